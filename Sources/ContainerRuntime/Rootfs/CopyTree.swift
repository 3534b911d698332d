import CLinux
import LinuxSystem

/// Copies what is below one open directory into another, by descriptors only: directories, files,
/// symbolic links and nodes with their owner and mode (`tmpcopyup`).
func copyTree(from source: Int32, to target: Int32, depth: Int = 0) throws(Errno) {
  if depth > 128 { throw .nameTooLong }
  let top = try status(at: source)
  try? setOwner(at: target, uid: top.owner, gid: top.group)
  try? setMode(target, top.mode & 0o7777)
  for name in try list(source) {
    let entry = try status(name, at: source, followLink: false)
    switch entry.type {
    case UInt32(S_IFDIR):
      try makeDirectory(name, at: target, mode: 0o700)
      let from = try open(name, at: source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      let to = try open(name, at: target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      try copyTree(from: from.raw, to: to.raw, depth: depth + 1)
    case UInt32(S_IFREG):
      let from = try open(name, at: source, O_RDONLY | O_NOFOLLOW)
      let to = try open(name, at: target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try copyBytes(from: from.raw, to: to.raw)
      try? setOwner(at: to.raw, uid: entry.owner, gid: entry.group)
      try setMode(to.raw, entry.mode & 0o7777)
    case UInt32(S_IFLNK):
      try makeSymbolicLink(name, at: target, target: try readLink(name, at: source))
      try? setOwner(name, at: target, uid: entry.owner, gid: entry.group)
    default:
      try makeNode(
        name, at: target, mode: entry.mode, major: entry.major, minor: entry.minor)
      try? setOwner(name, at: target, uid: entry.owner, gid: entry.group)
    }
  }
}

private func copyBytes(from source: Int32, to target: Int32) throws(Errno) {
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = try read(source, into: &buffer)
    if count == 0 { return }
    try writeAll(target, Array(buffer[0..<count]))
  }
}
