import LinuxSystem
import OCISpec

/// `state`: what there is to know of one container, as JSON.
public enum StateQuery {
  public static func run(id: String, store: borrowing StateStore) throws(RuntimeError) -> String {
    let container = try Container(id, in: store)
    let state = container.state()
    var writer = JSONWriter(pretty: true)
    writer.object { writer in
      var shown = state
      // Engines expect the member even where there is no process.
      if shown.pid == nil { shown.pid = 0 }
      shown.writeMembers(to: &writer)
      writer.member("rootfs", container.record.rootfs)
      writer.member("created", container.record.created)
      writer.member("owner", UserNames.name(container.record.owner))
    }
    return writer.text
  }
}
