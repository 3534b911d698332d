import Cgroups
import OCISpec

// The record as the document `state.json`.

extension ContainerRecord {
  func encoded() -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("ociVersion", ociVersion)
      writer.member("id", id)
      writer.member("phase", phase.rawValue)
      writer.member("pid", pid)
      writer.member("startTime", startTime)
      writer.member("bundle", bundle)
      writer.member("rootfs", rootfs)
      writer.member("created", created)
      writer.member("owner", owner)
      writer.member("namespaces", namespaces)
      writer.member("hasPoststart", hasPoststart)
      writer.member("hasPoststop", hasPoststop)
      if supervisorPID != 0 {
        writer.member("supervisorPID", supervisorPID)
        writer.member("supervisorStartTime", supervisorStartTime)
        writer.member("supervisorAnswers", supervisorAnswers)
        writer.member("supervisorJudges", supervisorJudges)
      }
      writer.member("annotations", annotations)
      if let cgroup {
        writer.key("cgroup")
        writer.array { writer in
          for entry in cgroup.entries {
            writer.object { writer in
              writer.member("controllers", entry.controllers)
              writer.member("directory", entry.directory)
              writer.member("name", entry.name)
            }
          }
        }
      }
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(SpecError) {
    self.init(
      id: "", bundle: "", rootfs: "", created: "", annotations: [], owner: 0, namespaces: [],
      ociVersion: "")
    var reader = JSONReader(bytes, file: "state.json")
    try reader.document { (reader, key) throws(SpecError) in
      switch key {
      case "ociVersion": ociVersion = try reader.string()
      case "id": id = try reader.string()
      case "phase":
        guard let known = Phase(rawValue: try reader.string()) else {
          throw reader.error("unknown phase")
        }
        phase = known
      case "pid": pid = try reader.integer()
      case "startTime": startTime = try reader.integer()
      case "bundle": bundle = try reader.string()
      case "rootfs": rootfs = try reader.string()
      case "created": created = try reader.string()
      case "owner": owner = try reader.integer()
      case "namespaces": namespaces = try reader.strings()
      case "hasPoststart": hasPoststart = try reader.bool()
      case "hasPoststop": hasPoststop = try reader.bool()
      case "supervisorPID": supervisorPID = try reader.integer()
      case "supervisorStartTime": supervisorStartTime = try reader.integer()
      case "supervisorAnswers": supervisorAnswers = try reader.bool()
      case "supervisorJudges": supervisorJudges = try reader.bool()
      case "annotations": annotations = try reader.stringMap()
      case "cgroup": cgroup = try Self.readCgroup(&reader)
      default: try reader.skip()
      }
    }
  }

  private static func readCgroup(_ reader: inout JSONReader) throws(SpecError) -> CgroupRecord {
    var entries: [CgroupRecord.Entry] = []
    try reader.array { (reader) throws(SpecError) in
      var entry = CgroupRecord.Entry(controllers: [], directory: "", name: "")
      try reader.object { (reader, key) throws(SpecError) in
        switch key {
        case "controllers": entry.controllers = try reader.strings()
        case "directory": entry.directory = try reader.string()
        case "name": entry.name = try reader.string()
        default: try reader.skip()
        }
      }
      entries.append(entry)
    }
    return CgroupRecord(entries: entries)
  }
}
