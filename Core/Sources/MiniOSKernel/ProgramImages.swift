import ShimABI

// Files that were executed, kept so that they are read and measured once. The contents are private memory of the
// con-shim, which processes share until they write. There are 32 places, each one word, which changes at once:
// an image is used only while it is counted there, and freed only when nobody is.

/// What the host says of a file, which tells its versions apart.
struct FileIdentity: BitwiseCopyable, Equatable {
  var device: UInt64
  var inode: UInt64
  var size: UInt64
  var modified: UInt64
  var modifiedNanoseconds: UInt64
  var changed: UInt64
  var changedNanoseconds: UInt64

  /// 16 bits that differ for most files.
  var hash: UInt64 {
    var value = inode &* 0x9e37_79b9_7f4a_7c15 ^ device &+ size
    value = (value ^ changedNanoseconds) &* 0x9e37_79b9_7f4a_7c15
    return value >> 48
  }
}

/// A file's contents: one page.
struct ProgramImage: BitwiseCopyable {
  var identity: FileIdentity
  /// How much of it was there.
  var size: UInt64
  /// A page with the path that it was first executed by, and at 2048 the real one; 0: they are too long or unknown.
  var paths: UInt64
  /// Words of SHA-256.
  var digest: InlineArray<8, UInt32>
  /// Pages of addresses of pages, 512 each; 0 for what no program header names.
  var leaves: InlineArray<400, UInt64>
}

/// An image that does not go away.
struct HeldImage {
  var image: Ref<ProgramImage>
  /// Where it is counted; 0: nobody else knows it.
  var place: UInt64
}

extension Kernel {
  private static var places: UInt64 { 32 }
  static var imageLimit: UInt64 { 400 * 512 * Layout.page }
  // A place: number of the image's page in 28 bits, hash in 16, users in 16.
  private static var oneUser: UInt64 { 1 << 44 }
  private static var pageMask: UInt64 { 1 << 28 - 1 }

  private func place(_ index: UInt64) -> UInt64 { shared.value.images + index * 8 }

  /// The image of a file, if there is one.
  func findImage(_ identity: FileIdentity) -> HeldImage? {
    for index in 0..<Self.places {
      let place = place(index)
      while true {
        let word: UInt64 = memory.load(place)
        guard word != 0, word >> 28 & 0xffff == identity.hash, word >> 44 < 0xffff else { break }
        // Counted first: from then on it can be looked at.
        guard platform.replace(word, by: word + Self.oneUser, at: place) else { continue }
        let held = HeldImage(image: memory.reference((word & Self.pageMask) << 12), place: place)
        if held.image.value.identity == identity { return held }
        letGo(held)
        break
      }
    }
    return nil
  }

  /// The image is not needed any more by who found or made it.
  func letGo(_ held: HeldImage) {
    if held.place == 0 { return freeImage(held.image) }
    while true {
      let word: UInt64 = memory.load(held.place)
      if platform.replace(word, by: word - Self.oneUser, at: held.place) { return }
    }
  }

  /// Keeps an image for others, in the place of one that nobody uses now if need be.
  func keepImage(_ held: inout HeldImage) {
    let identity = held.image.value.identity
    let new = memory.address(of: held.image) >> 12 | identity.hash << 28 | Self.oneUser
    let start = platform.counter()
    for pass in 0..<2 {
      for index in 0..<Self.places {
        let place = place((start &+ index) % Self.places)
        let word: UInt64 = memory.load(place)
        guard pass == 0 ? word == 0 : word >> 44 == 0, platform.replace(word, by: new, at: place) else { continue }
        held.place = place
        if word != 0 { freeImage(memory.reference((word & Self.pageMask) << 12)) }
        return
      }
    }
  }

  /// Frees an image that nobody uses now. False if there is none.
  func dropImage() -> Bool {
    for index in 0..<Self.places {
      let word: UInt64 = memory.load(place(index))
      guard word != 0, word >> 44 == 0, platform.replace(word, by: 0, at: place(index)) else { continue }
      freeImage(memory.reference((word & Self.pageMask) << 12))
      return true
    }
    return false
  }

  private func freeImage(_ image: Ref<ProgramImage>) {
    for number in 0..<400 {
      let leaf = image.value.leaves[number]
      if leaf == 0 { continue }
      for index in 0..<UInt64(512) {
        let page: UInt64 = memory.load(leaf + index * 8)
        if page != 0 { release(page) }
      }
      release(leaf)
    }
    if image.value.paths != 0 { release(image.value.paths) }
    release(memory.address(of: image))
  }

  /// A page of an image; 0 if it is not there.
  @inline(__always)
  func page(_ image: Ref<ProgramImage>, _ index: UInt64) -> UInt64 {
    guard index < 400 * 512 else { return 0 }
    let leaf = image.value.leaves[Int(index / 512)]
    return leaf == 0 ? 0 : memory.load(leaf + index % 512 * 8)
  }

  /// Copies a part of an image to kernel memory. ENOEXEC if it is not there.
  func copy(_ image: Ref<ProgramImage>, _ offset: UInt64, _ count: UInt64, to target: UInt64) throws(Errno) {
    guard offset <= image.value.size, count <= image.value.size - offset else { throw .notExecutable }
    var done: UInt64 = 0
    while done < count {
      let page = page(image, (offset + done) / Layout.page)
      guard page != 0 else { throw .notExecutable }
      let start = (offset + done) % Layout.page
      let part = min(count - done, Layout.page - start)
      memory.copy(from: page + start, to: target + done, count: part)
      done += part
    }
  }

  /// Whether a file whose times the host told may have changed since without them telling: clocks of file systems
  /// are coarse.
  private func isSettled(_ identity: FileIdentity) -> Bool {
    guard let now = now(0), identity.changed < 1 << 33, identity.changedNanoseconds < 1_000_000_000 else {
      return false
    }
    let changed = Int64(identity.changed) * 1_000_000_000 + Int64(identity.changedNanoseconds)
    return now - changed > (identity.changedNanoseconds == 0 ? 3_000_000_000 : 50_000_000)
  }

  /// Reads a file that is executed, and measures it.
  ///
  /// - Parameter head: a page with its beginning, which only says what is worth keeping.
  func readImage(
    _ descriptor: UInt64, _ identity: FileIdentity, head: UInt64, path: UInt64
  ) throws(Errno) -> HeldImage {
    guard identity.size <= Self.imageLimit else { throw .noMemory }
    let isSettled = isSettled(identity)
    let spare = try allocateZeroed()
    defer { release(spare) }
    let image: Ref<ProgramImage> = memory.reference(try allocateZeroed())
    var held = HeldImage(image: image, place: 0)
    do throws(Errno) {
      image.value.identity = identity
      image.value.digest = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
      ]
      try readPages(image, descriptor, head: head, spare: spare)
      try finishDigest(image, spare)
    } catch {
      freeImage(image)
      throw error
    }
    if isSettled {
      rememberPaths(image, descriptor, path)
      keepImage(&held)
    }
    return held
  }

  private func readPages(
    _ image: Ref<ProgramImage>, _ descriptor: UInt64, head: UInt64, spare: UInt64
  ) throws(Errno) {
    let size = image.value.identity.size
    let most = Layout.down(Self.transferLimit)
    var page: UInt64 = 0
    while image.value.size < size {
      var request = Request(Call.pread64)
      request.arguments = [descriptor, 0, min(size - image.value.size, most), image.value.size, 0, 0]
      request.setPointer(1, UInt64(Exchange.data))
      let result = try require(send(request))
      guard result <= request.arguments[2] else { throw .inputOutput }
      // It became shorter.
      if result == 0 { break }
      var copied: UInt64 = 0
      while copied < result {
        let index = image.value.size / Layout.page
        let start = image.value.size % Layout.page
        if start == 0 { page = try pageForReading(image, index, head: head, spare: spare) }
        let part = min(result - copied, Layout.page - start)
        memory.copy(from: exchange(UInt64(Exchange.data) + copied), to: page + start, count: part)
        copied += part
        image.value.size += part
        if start + part == Layout.page {
          // Of our copy: what the host gave may change.
          platform.hash(digest(image), page, blocks: 64)
          platform.synchronizeCode(page)
        }
      }
    }
    let rest = image.value.size % Layout.page
    if rest == 0 { return }
    platform.hash(digest(image), page, blocks: rest / 64)
    memory.copy(from: page + rest / 64 * 64, to: spare, count: rest % 64)
    memory.zero(page + rest, count: page == spare ? 0 : Layout.page - rest)
    platform.synchronizeCode(page)
  }

  /// Where a page of a file is read to: a page that is kept if a program header names it.
  private func pageForReading(
    _ image: Ref<ProgramImage>, _ index: UInt64, head: UInt64, spare: UInt64
  ) throws(Errno) -> UInt64 {
    guard isNamed(index * Layout.page, head) else { return spare }
    if image.value.leaves[Int(index / 512)] == 0 { image.value.leaves[Int(index / 512)] = try allocateZeroed() }
    let page = try allocate()
    memory.store(page, at: image.value.leaves[Int(index / 512)] + index % 512 * 8)
    return page
  }

  private func isNamed(_ offset: UInt64, _ head: UInt64) -> Bool {
    guard offset > 0, let header = try? ElfHeader(memory: memory, at: head) else { return true }
    let end = header.headersOffset + header.headerCount * ElfHeader.programHeaderSize
    if end > Layout.page || header.headersOffset % 8 != 0 { return true }
    for index in 0..<header.headerCount {
      let place = head + header.headersOffset + index * ElfHeader.programHeaderSize
      guard let segment = try? ElfSegment(memory: memory, at: place) else { continue }
      if segment.offset < offset + Layout.page, offset < segment.offset + segment.fileSize { return true }
    }
    return false
  }

  private func digest(_ image: Ref<ProgramImage>) -> UInt64 {
    memory.address(of: image) + UInt64(MemoryLayout<ProgramImage>.offset(of: \.digest) ?? 0)
  }

  /// The end of SHA-256 (FIPS 180-4, 5.1.1), of which the first bytes are in a page; then the Monitor is told.
  private func finishDigest(_ image: Ref<ProgramImage>, _ page: UInt64) throws(Errno) {
    let rest = image.value.size % 64
    memory.zero(page + rest, count: 128 - rest)
    memory.store(UInt8(0x80), at: page + rest)
    let blocks: UInt64 = rest < 56 ? 1 : 2
    memory.store((image.value.size &* 8).byteSwapped, at: page + blocks * 64 - 8)
    platform.hash(digest(image), page, blocks: blocks)
    let words = image.value.digest
    func pair(_ index: Int) -> UInt64 { UInt64(words[index]) << 32 | UInt64(words[index + 1]) }
    platform.extend(pair(0), pair(2), pair(4), pair(6))
    logDigest(image)
  }

  /// Tells the host's log what was measured, in the order in which it was.
  private func logDigest(_ image: Ref<ProgramImage>) {
    var request = Request(ProxyCall.log.rawValue)
    guard let offset = request.reserve(128) else { return }
    let text: StaticString = "measured "
    for index in 0..<9 { memory.store(text.byte(index), at: exchange(offset + UInt64(index))) }
    for index in 0..<64 {
      let nibble = UInt8(truncatingIfNeeded: image.value.digest[index / 8] >> UInt32(28 - index % 8 * 4) & 15)
      memory.store(nibble < 10 ? 48 + nibble : 87 + nibble, at: exchange(offset + 9 + UInt64(index)))
    }
    request.setPointer(0, offset)
    request.arguments[1] = 73
    _ = send(request)
  }
}
