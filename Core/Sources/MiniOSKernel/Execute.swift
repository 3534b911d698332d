import ShimABI

// execve: a file becomes the process.

/// A file that is being executed.
private struct Program {
  var descriptor: UInt64
  /// A page with the start of the file.
  var head: UInt64
  var size: UInt64
  /// The contents, which a script does not have: its interpreter reads them.
  var held: HeldImage?
}

/// Where a program was put.
private struct Loaded {
  var entry: UInt64
  /// What was added to its addresses.
  var base: UInt64
  /// Where its program headers are.
  var headers: UInt64
  var headerCount: UInt64
  var end: UInt64
}

extension Kernel {
  /// The first program, as the host says. What fails is told to the host, with the status that shells use.
  public func start() {
    var path = process.value.programPath
    do throws(Errno) {
      var arguments = try makeArguments()
      path = try allocateZeroed()
      try readStart(&arguments, path: path)
      try execute(path, &arguments)
      freeArguments(arguments)
      release(path)
    } catch {
      // `execute` left the path of the interpreter there if that is what is missing.
      if stringLength(process.value.programPath) > 0 { path = process.value.programPath }
      _ = forward(
        ProxyCall.notStarted.rawValue, string: path, length: stringLength(path), at: 1,
        [UInt64(error.code), 0, 0, 0, 0, 0])
      _ = forward(Call.exitGroup, error == .noEntry ? 127 : 126)
      platform.switchSpace(root: shared.value.emptyRoot, asid: 0)
      platform.end(error == .noEntry ? 127 : 126, state: memory.reference(memory.address(of: task) + Self.stateOffset))
    }
  }

  /// execve.
  func execve() throws(Errno) -> Int64 {
    let path = try allocateZeroed()
    defer { release(path) }
    let length = try copyString(frame.value.x[0], to: path, limit: Self.pathLimit)
    if isProgramLink(path, length) {
      let real = stringLength(process.value.programPath)
      if real > 0 { memory.copy(from: process.value.programPath, to: path, count: real + 1) }
    }
    var arguments = try makeArguments()
    defer { freeArguments(arguments) }
    try readArguments(&arguments, frame.value.x[1], frame.value.x[2])
    try execute(path, &arguments)
    return 0
  }

  /// Makes the process the program at a path. Throws as long as the process is what it was.
  private func execute(_ path: UInt64, _ arguments: inout Arguments) throws(Errno) {
    let head = try allocateZeroed()
    defer { release(head) }
    var program = try open(path, head: head)
    var depth = 0
    // "#!"
    while program.held == nil {
      _ = forward(Call.close, program.descriptor)
      depth += 1
      if depth > 4 { throw .tooManyLinks }
      try readScript(path, &arguments, program)
      program = try open(path, head: head)
    }
    defer { close(program) }
    let header = try ElfHeader(memory: memory, at: program.head)
    let table = try allocateZeroed()
    defer { release(table) }
    try readHeaders(program, header, to: table)

    var interpreter: Program?
    for index in 0..<header.headerCount {
      let segment = try ElfSegment(memory: memory, at: table + index * ElfHeader.programHeaderSize)
      guard segment.kind == .interpreter, interpreter == nil else { continue }
      guard segment.fileSize > 1, segment.fileSize < 1024 else { throw .notExecutable }
      let name = try allocateZeroed()
      defer { release(name) }
      guard let held = program.held else { throw .notExecutable }
      try copy(held.image, segment.offset, segment.fileSize, to: name)
      do throws(Errno) {
        interpreter = try open(name, head: head)
        if interpreter?.held == nil {
          close(interpreter)
          interpreter = nil
          throw Errno.notExecutable
        }
      } catch {
        if process.value.space == 0 { platform.copyPage(name, to: process.value.programPath) }
        throw error
      }
    }
    defer { close(interpreter) }

    let new = try makeSpace(asid: process.value.slot + 1)
    let stack: UInt64
    let entry: UInt64
    do throws(Errno) {
      // One answer of the generator for all places.
      fillRandom(task.value.scratch, count: 32)
      let (mapBits, baseBits): (UInt64, UInt64) = (
        memory.load(task.value.scratch), memory.load(task.value.scratch + 8)
      )
      let (heapBits, stackBits): (UInt64, UInt64) = (
        memory.load(task.value.scratch + 16), memory.load(task.value.scratch + 24)
      )
      new.value.mapTop = Layout.trampoline - Layout.stackSize * 4 - mapBits % (1 << 28) * Layout.page
      let main = try load(
        program, header, table, into: new,
        base: header.isRelocatable ? 0x2aaa_0000_0000 + baseBits % (1 << 24) * Layout.page : 0)
      new.value.heapStart = Layout.up(main.end) + heapBits % (1 << 12) * Layout.page
      new.value.heapEnd = new.value.heapStart
      var interpreterBase: UInt64 = 0
      if let interpreter {
        let header = try ElfHeader(memory: memory, at: interpreter.head)
        let table = try allocateZeroed()
        defer { release(table) }
        try readHeaders(interpreter, header, to: table)
        let size = try extent(header, table)
        let base = header.isRelocatable ? try findFree(new, size) : 0
        let loaded = try load(interpreter, header, table, into: new, base: base)
        interpreterBase = base
        entry = loaded.entry
      } else {
        entry = main.entry
      }
      try addTrampoline(new)
      platform.publish()
      stack = try buildStack(
        new, main, interpreterBase, arguments, path, top: Layout.trampoline - Layout.page * (16 + stackBits % 256))
    } catch {
      freeSpace(new)
      throw error
    }

    do throws(Errno) {
      try becomeAlone()
    } catch {
      freeSpace(new)
      throw error
    }
    // The process is the new program from here on.
    rememberPath(program, path)
    process.value.oldSpace = process.value.space
    process.value.space = memory.address(of: new)
    platform.switchSpace(root: new.value.root, asid: new.value.asid)
    platform.invalidateAll(asid: new.value.asid)
    freeSpace(at: address(of: process, MemoryLayout<TaskData>.offset(of: \.oldSpace)))
    for index in 0..<64 where process.value.actions[index].handler != 1 {
      process.value.actions[index] = SignalAction(handler: 0, flags: 0, restorer: 0, mask: 0)
    }
    task.value.alternateSize = 0
    task.value.alternateStack = 0
    task.value.clearTid = 0
    frame.value = TrapFrame(
      x: InlineArray(repeating: 0), sp: stack, pc: entry, pstate: 0, firstArgument: 0, unused: 0)
    platform.threadPointer = 0
    memory.zero(task.value.scratch, count: 520)
    platform.loadFloats(task.value.scratch)
    tellProgram(path)
  }

  /// Opens a file to execute it and reads its first page.
  private func open(_ path: UInt64, head: UInt64) throws(Errno) -> Program {
    let length = stringLength(path)
    guard length > 0 else { throw .noEntry }
    let here = UInt64(bitPattern: -100)  // AT_FDCWD
    // X_OK: what the user may not execute is not executed, even if it can be read.
    _ = try require(forward(Call.faccessat, string: path, length: length, at: 1, [here, 0, 1, 0, 0, 0]))
    // O_RDONLY | O_CLOEXEC
    let descriptor = try require(
      forward(Call.openat, string: path, length: length, at: 1, [here, 0, 0x80000, 0, 0, 0]))
    do throws(Errno) {
      guard descriptor <= UInt64(Int32.max) else { throw Errno.inputOutput }
      let identity = try identity(descriptor)
      if let held = findImage(identity) {
        return Program(descriptor: descriptor, head: page(held.image, 0), size: held.image.value.size, held: held)
      }
      memory.zero(head, count: Layout.page)
      var request = Request(Call.pread64)
      request.arguments = [descriptor, 0, Layout.page, 0, 0, 0]
      request.setPointer(1, UInt64(Exchange.data))
      let size = try require(send(request))
      guard size <= Layout.page else { throw Errno.inputOutput }
      memory.copy(from: exchange(UInt64(Exchange.data)), to: head, count: size)
      if memory.load(head, as: UInt16.self) == 0x2123 {
        return Program(descriptor: descriptor, head: head, size: size, held: nil)
      }
      // What is no program is not read.
      _ = try ElfHeader(memory: memory, at: head)
      let held = try readImage(descriptor, identity, head: head, path: path)
      guard held.image.value.size >= ElfHeader.size else {
        letGo(held)
        throw Errno.notExecutable
      }
      return Program(descriptor: descriptor, head: page(held.image, 0), size: held.image.value.size, held: held)
    } catch {
      _ = forward(Call.close, descriptor)
      throw error
    }
  }

  private func close(_ program: Program?) {
    guard let program else { return }
    _ = forward(Call.close, program.descriptor)
    if let held = program.held { letGo(held) }
  }

  /// What the host says of an open file. EACCES for what is no regular file.
  private func identity(_ descriptor: UInt64) throws(Errno) -> FileIdentity {
    var request = Request(Call.fstat)
    request.arguments[0] = descriptor
    request.setPointer(1, UInt64(Exchange.data))
    _ = try require(send(request))
    // struct stat of arm64.
    let stat = exchange(UInt64(Exchange.data))
    guard memory.load(stat + 16, as: UInt32.self) & 0o170000 == 0o100000 else { throw .access }
    return FileIdentity(
      device: memory.load(stat), inode: memory.load(stat + 8), size: memory.load(stat + 48),
      modified: memory.load(stat + 88), modifiedNanoseconds: memory.load(stat + 96),
      changed: memory.load(stat + 104), changedNanoseconds: memory.load(stat + 112))
  }

  /// The program headers of a file.
  private func readHeaders(_ program: Program, _ header: ElfHeader, to table: UInt64) throws(Errno) {
    guard let held = program.held else { throw .notExecutable }
    try copy(held.image, header.headersOffset, header.headerCount * ElfHeader.programHeaderSize, to: table)
  }

  /// How many bytes of addresses the segments take, from 0.
  private func extent(_ header: ElfHeader, _ table: UInt64) throws(Errno) -> UInt64 {
    var end: UInt64 = 0
    for index in 0..<header.headerCount {
      let segment = try ElfSegment(memory: memory, at: table + index * ElfHeader.programHeaderSize)
      if segment.kind == .load { end = max(end, Layout.up(segment.address + segment.memorySize)) }
    }
    guard end > 0, end < Layout.userEnd else { throw .notExecutable }
    return end
  }

  /// Puts the segments of a file into a memory map.
  private func load(
    _ program: Program, _ header: ElfHeader, _ table: UInt64, into space: Ref<SpaceData>, base: UInt64
  ) throws(Errno) -> Loaded {
    var loaded = Loaded(
      entry: base &+ header.entry, base: base, headers: 0, headerCount: header.headerCount, end: 0)
    for index in 0..<header.headerCount {
      let segment = try ElfSegment(memory: memory, at: table + index * ElfHeader.programHeaderSize)
      if segment.kind == .headers { loaded.headers = base + segment.address }
      guard segment.kind == .load, segment.memorySize > 0 else { continue }
      let address = base + segment.address
      let start = Layout.down(address)
      let end = Layout.up(address + segment.memorySize)
      guard start >= Layout.userStart, end < Layout.trampoline - Layout.stackSize else { throw .notExecutable }
      // Segments that share a page or overlap are no program of ours.
      let next = firstArea(space, endingAfter: start)
      if next < space.value.areaCount, area(space, next).start < end { throw .notExecutable }
      let new = Area(start: start, end: end, protection: segment.protection, kind: .plain)
      try addArea(space, new)
      if segment.fileSize > 0, let held = program.held {
        try mapImage(held.image, segment, into: space, start: start, new)
      }
      if loaded.headers == 0, header.headersOffset >= segment.offset,
        header.headersOffset < segment.offset + segment.fileSize
      {
        loaded.headers = address + (header.headersOffset - segment.offset)
      }
      loaded.end = max(loaded.end, end)
    }
    guard loaded.end > 0, loaded.entry < Layout.userEnd else { throw .notExecutable }
    return loaded
  }

  /// Maps the pages of a segment: those of the image, or copies of what will be written soon or ends in zeros.
  private func mapImage(
    _ image: Ref<ProgramImage>, _ segment: ElfSegment, into space: Ref<SpaceData>, start: UInt64, _ area: Area
  ) throws(Errno) {
    let fileEnd = min(segment.offset + segment.fileSize, image.value.size)
    let copiesAll = area.protection.contains(.write) && segment.fileSize <= 8 * Layout.page
    var offset = Layout.down(segment.offset)
    var address = start
    var slot: UInt64 = 0
    while offset < fileEnd {
      if slot & 4095 == 0 { slot = try makeEntryAddress(space, address) }
      var source = page(image, offset / Layout.page)
      guard source != 0 else { throw .notExecutable }
      let isCut = fileEnd - offset < Layout.page && segment.memorySize > segment.fileSize
      if copiesAll || isCut {
        let copy = try allocate()
        platform.copyPage(source, to: copy)
        if isCut { memory.zero(copy + fileEnd % Layout.page, count: Layout.page - fileEnd % Layout.page) }
        if area.protection.contains(.execute) { platform.synchronizeCode(copy) }
        source = copy
      } else {
        guard hold(source) else { throw .noMemory }
      }
      memory.store(
        PageEntry(page: source, protection: area.protection, copyOnWrite: !(copiesAll || isCut)).bits, at: slot)
      space.value.resident += 1
      slot += 8
      offset += Layout.page
      address += Layout.page
    }
  }

  /// The code that signal handlers return to: mov x8, #139; svc #0.
  private func addTrampoline(_ space: Ref<SpaceData>) throws(Errno) {
    let new = Area(
      start: Layout.trampoline, end: Layout.trampoline + Layout.page, protection: .readExecute, kind: .plain)
    try addArea(space, new)
    let page = try allocateZeroed()
    memory.store(UInt64(0xd400_0001_d280_1168), at: page)
    platform.synchronizeCode(page)
    memory.store(
      PageEntry(page: page, protection: new.protection).bits, at: try makeEntryAddress(space, Layout.trampoline))
    space.value.resident += 1
  }

  private func storeWord(_ value: UInt64, at address: UInt64, in space: Ref<SpaceData>) throws(Errno) {
    memory.store(value, at: try translate(space, address, .write))
  }

  /// Strings, auxiliary vector, environment, arguments, count (System V ABI, "initial process stack").
  private func buildStack(
    _ space: Ref<SpaceData>, _ main: Loaded, _ interpreterBase: UInt64, _ arguments: Arguments, _ path: UInt64,
    top: UInt64
  ) throws(Errno) -> UInt64 {
    try addArea(
      space, Area(start: top - Layout.stackSize, end: top, protection: .readWrite, kind: .stack))
    // From the top: platform, random bytes, path, strings.
    var at = top - 16
    let platformName = at
    // "aarch64"
    try storeWord(0x0034_3668_6372_6161, at: platformName, in: space)
    at -= 16
    let randomBytes = at
    fillRandom(task.value.scratch, count: 16)
    try copyOut(task.value.scratch, to: randomBytes, count: 16, in: space)
    let pathLength = stringLength(path) + 1
    at -= pathLength
    let pathCopy = at
    try copyOut(path, to: pathCopy, count: pathLength, in: space)
    // A script's interpreter comes in the place of the first argument.
    var skipped: UInt64 = 0
    if arguments.prefixCount > 0 {
      while byte(arguments, skipped) != 0 { skipped += 1 }
      skipped += 1
    }
    at -= arguments.bytes - skipped + arguments.prefixBytes
    let strings = at
    guard top - strings < Layout.stackSize / 2 else { throw .tooBig }
    try copyOut(arguments.prefix, to: strings, count: arguments.prefixBytes, in: space)
    try writeStrings(arguments, from: skipped, to: strings + arguments.prefixBytes, in: space)

    let argumentCount =
      arguments.argumentCount + arguments.prefixCount - (arguments.prefixCount > 0 ? 1 : 0)
    let environmentCount = arguments.environmentCount
    let auxiliaryCount: UInt64 = 20
    let words = 1 + argumentCount + 1 + environmentCount + 1 + auxiliaryCount * 2
    let stack = (strings - words * 8) & ~15
    guard top - stack < Layout.stackSize / 2 else { throw .tooBig }
    var word = stack
    try storeWord(argumentCount, at: word, in: space)
    word += 8
    var position: UInt64 = 0
    let prefixEnd = arguments.prefixBytes
    for index in 0..<argumentCount + environmentCount {
      if index == argumentCount {
        try storeWord(0, at: word, in: space)
        word += 8
      }
      try storeWord(strings + position, at: word, in: space)
      word += 8
      while (position < prefixEnd
        ? memory.load(arguments.prefix + position, as: UInt8.self)
        : byte(arguments, position - prefixEnd + skipped)) != 0
      {
        position += 1
      }
      position += 1
    }
    if environmentCount == 0 { word += 8 }
    word += 8
    // glibc and musl take these for the user; a secure mode is never needed, since nothing here is set-user-ID.
    if task.value.knowsIdentity == 0 {
      // getuid, geteuid, getgid, getegid
      for index in 0..<4 { task.value.identity[index] = UInt64(max(forward(174 + UInt64(index)), 0)) }
      task.value.knowsIdentity = 1
    }
    let identity = task.value.identity
    let vector: InlineArray<40, UInt64> = [
      3, main.headers,  // AT_PHDR
      4, ElfHeader.programHeaderSize,  // AT_PHENT
      5, main.headerCount,  // AT_PHNUM
      6, Layout.page,  // AT_PAGESZ
      7, interpreterBase,  // AT_BASE
      8, 0,  // AT_FLAGS
      9, main.entry,  // AT_ENTRY
      11, identity[0], 12, identity[1], 13, identity[2], 14, identity[3],
      15, platformName,  // AT_PLATFORM
      16, 0x103,  // AT_HWCAP: FP, ASIMD, ATOMICS
      17, 100,  // AT_CLKTCK
      23, 0,  // AT_SECURE
      25, randomBytes,  // AT_RANDOM
      26, 0,  // AT_HWCAP2
      31, pathCopy,  // AT_EXECFN
      51, 5120,  // AT_MINSIGSTKSZ
      0, 0,
    ]
    for index in 0..<40 { try storeWord(vector[index], at: word + UInt64(index) * 8, in: space) }
    return stack
  }

  /// The first line of a script: the interpreter goes to `path`, it and its argument and the script's own path
  /// into the prefix.
  private func readScript(_ path: UInt64, _ arguments: inout Arguments, _ program: Program) throws(Errno) {
    func character(_ index: UInt64) -> UInt8 { index < min(program.size, 256) ? memory.load(program.head + index) : 10 }
    func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }
    var lineEnd: UInt64 = 2
    while character(lineEnd) != 10, character(lineEnd) != 0 { lineEnd += 1 }
    while lineEnd > 2, isSpace(character(lineEnd - 1)) { lineEnd -= 1 }
    var start: UInt64 = 2
    while start < lineEnd, isSpace(character(start)) { start += 1 }
    guard start < lineEnd else { throw .notExecutable }
    var end = start
    while end < lineEnd, !isSpace(character(end)) { end += 1 }
    var argument = end
    while argument < lineEnd, isSpace(character(argument)) { argument += 1 }
    // New prefix: interpreter, argument, script; then the old prefix without its first string, if there was one.
    let pathLength = stringLength(path) + 1
    let optional = argument < lineEnd ? lineEnd - argument + 1 : 0
    let newBytes = end - start + 1 + optional + pathLength
    var dropped: UInt64 = 0
    if arguments.prefixCount > 0 {
      while memory.load(arguments.prefix + dropped, as: UInt8.self) != 0 { dropped += 1 }
      dropped += 1
    }
    guard newBytes + arguments.prefixBytes - dropped <= Layout.page else { throw .tooBig }
    let copy = try allocateZeroed()
    defer { release(copy) }
    memory.copy(from: program.head + start, to: copy, count: end - start)
    if optional > 0 {
      memory.copy(from: program.head + argument, to: copy + end - start + 1, count: lineEnd - argument)
    }
    memory.copy(from: path, to: copy + end - start + 1 + optional, count: pathLength)
    memory.copy(
      from: arguments.prefix + dropped, to: copy + newBytes, count: arguments.prefixBytes - dropped)
    arguments.prefixCount += optional > 0 ? 3 : 2
    if dropped > 0 { arguments.prefixCount -= 1 }
    arguments.prefixBytes = newBytes + arguments.prefixBytes - dropped
    memory.copy(from: copy, to: arguments.prefix, count: arguments.prefixBytes)
    memory.zero(path, count: Layout.page)
    memory.copy(from: program.head + start, to: path, count: end - start)
  }

  /// Keeps the program's absolute path for /proc/self/exe.
  private func rememberPath(_ program: Program, _ path: UInt64) {
    let page = process.value.programPath
    // The host was asked when the image was made, if it was by the same path; one that is relative may be another
    // in another directory.
    if let paths = program.held?.image.value.paths, paths != 0, isSame(path, paths) {
      memory.copy(from: paths + 2048, to: page, count: 2048)
      return
    }
    memory.zero(page, count: Layout.page)
    if !readPath(program.descriptor, to: page, limit: 4095) {
      memory.copy(from: path, to: page, count: stringLength(path))
    }
  }

  private func isSame(_ path: UInt64, _ other: UInt64) -> Bool {
    var at: UInt64 = 0
    while at < 2048 {
      let (one, two): (UInt8, UInt8) = (memory.load(path + at), memory.load(other + at))
      if one != two { return false }
      if one == 0 { return true }
      at += 1
    }
    return false
  }

  /// Keeps the path of an image and what it is in truth, if both are short.
  func rememberPaths(_ image: Ref<ProgramImage>, _ descriptor: UInt64, _ path: UInt64) {
    let length = stringLength(path)
    guard length < 2048, memory.load(path, as: UInt8.self) == 47, let page = try? allocateZeroed() else { return }
    memory.copy(from: path, to: page, count: length)
    if readPath(descriptor, to: page + 2048, limit: 2047) { image.value.paths = page } else { release(page) }
  }

  /// Asks the host for the path of an open file. False if it does not know an absolute one that is short enough.
  private func readPath(_ descriptor: UInt64, to page: UInt64, limit: UInt64) -> Bool {
    let target = task.value.scratch
    // "/proc/self/fd/" and the number.
    let name: StaticString = "/proc/self/fd/"
    for index in 0..<14 { memory.store(name.byte(index), at: target + UInt64(index)) }
    var length: UInt64 = 14
    var scale: UInt64 = 1_000_000_000
    var isLeading = true
    while scale > 0 {
      let digit = descriptor / scale % 10
      scale /= 10
      if digit == 0, isLeading, scale > 0 { continue }
      isLeading = false
      memory.store(UInt8(48 + digit), at: target + length)
      length += 1
    }
    var request = Request(Call.readlinkat)
    guard let offset = request.reserve(length + 1), let answer = request.reserve(4095) else { return false }
    memory.copy(from: target, to: exchange(offset), count: length)
    memory.store(UInt8(0), at: exchange(offset + length))
    request.arguments = [UInt64(bitPattern: -100), 0, 0, 4095, 0, 0]
    request.setPointer(1, offset)
    request.setPointer(2, answer)
    let result = send(request)
    guard result > 0, result <= Int64(limit) else { return false }
    memory.copy(from: exchange(answer), to: page, count: UInt64(result))
    if memory.load(page, as: UInt8.self) == 47 { return true }
    memory.zero(page, count: UInt64(result))
    return false
  }

  /// Tells the host that the process is another program now, with the last part of its path for a name.
  private func tellProgram(_ path: UInt64) {
    let length = stringLength(path)
    var start: UInt64 = 0
    for index in 0..<length where memory.load(path + index, as: UInt8.self) == 47 { start = index + 1 }
    let short = min(length - start, 15)
    _ = forward(ProxyCall.executed.rawValue, string: path + start, length: short, at: 0, [0, 0, 0, 0, 0, 0])
  }
}
