import LinuxSystem
import OCISpec

/// `list`: all containers of a state directory.
public enum List {
  /// One container as it is shown.
  struct Entry {
    let record: ContainerRecord
    let status: OCISpec.State.Status
  }

  private static func entries(_ store: borrowing StateStore) throws(RuntimeError) -> [Entry] {
    var entries: [Entry] = []
    for id in try store.ids() {
      // One that is deleted, or not finished, at this moment is not there.
      guard let container = try? Container(id, in: store) else { continue }
      entries.append(Entry(record: container.record, status: container.status))
    }
    return entries
  }

  public static func json(_ store: borrowing StateStore) throws(RuntimeError) -> String {
    let entries = try entries(store)
    if entries.isEmpty { return "null" }
    var writer = JSONWriter()
    writer.array { writer in
      for entry in entries {
        writer.object { writer in
          write(entry, &writer)
        }
      }
    }
    return writer.text
  }

  private static func write(_ entry: Entry, _ writer: inout JSONWriter) {
    let record = entry.record
    writer.member("ociVersion", record.ociVersion)
    writer.member("id", record.id)
    writer.member("pid", entry.status == .stopped ? 0 : record.pid)
    writer.member("status", entry.status.rawValue)
    writer.member("bundle", record.bundle)
    writer.member("rootfs", record.rootfs)
    writer.member("created", record.created)
    writer.optional("annotations", record.annotations)
    writer.member("owner", UserNames.name(record.owner))
  }

  public static func quiet(_ store: borrowing StateStore) throws(RuntimeError) -> String {
    try entries(store).reduce("") { $0 + $1.record.id + "\n" }
  }

  public static func table(_ store: borrowing StateStore) throws(RuntimeError) -> String {
    var table = Table(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])
    for entry in try entries(store) {
      let record = entry.record
      table.add([
        record.id, entry.status == .stopped ? "0" : String(record.pid), entry.status.rawValue,
        record.bundle, record.created, UserNames.name(record.owner),
      ])
    }
    return table.text
  }
}

/// Columns as wide as what is in them.
struct Table {
  private var rows: [[String]]

  init(_ header: [String]) { rows = [header] }

  mutating func add(_ row: [String]) { rows.append(row) }

  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].utf8.count }.max() ?? 0 }
    var text = ""
    for row in rows {
      for (column, cell) in row.enumerated() {
        text += cell
        if column < row.count - 1 {
          text += String(repeating: " ", count: widths[column] - cell.utf8.count + 3)
        }
      }
      text += "\n"
    }
    return text
  }
}

/// Names in /etc/passwd of the host.
enum UserNames {
  static func name(_ id: UInt32) -> String {
    let text = (try? readFile("/etc/passwd", limit: 1 << 20)) ?? ""
    for line in text.utf8.split(separator: 0x0a) {
      let fields = line.split(separator: 0x3a, omittingEmptySubsequences: false)
      if fields.count > 2, UInt32(String(Substring(fields[2]))) == id {
        return String(Substring(fields[0]))
      }
    }
    return "#" + String(id)
  }
}
