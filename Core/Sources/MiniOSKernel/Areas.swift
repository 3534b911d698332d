// The areas of a memory map: which addresses programs may use, and how. A sorted array in pages.

/// A range of addresses with the same rights. Neighbours don't overlap.
struct Area: BitwiseCopyable, Equatable {
  var start: UInt64
  var end: UInt64
  var protection: Protection
  var kind: AreaKind
  var unused: UInt64 = 0

  init(start: UInt64, end: UInt64, protection: Protection, kind: AreaKind) {
    self.start = start
    self.end = end
    self.protection = protection
    self.kind = kind
  }
}

/// What an area is besides private memory.
struct AreaKind: BitwiseCopyable, Equatable {
  var rawValue: UInt32
  static let plain = AreaKind(rawValue: 0)
  /// Children of fork share its pages.
  static let shared = AreaKind(rawValue: 1)
  static let heap = AreaKind(rawValue: 2)
  static let stack = AreaKind(rawValue: 4)

  func contains(_ other: AreaKind) -> Bool { rawValue & other.rawValue != 0 }
}

extension Kernel {
  private static var areasPerPage: UInt64 { 128 }
  private static var areaLimit: UInt64 { 256 * 128 }

  private func areaAddress(_ space: Ref<SpaceData>, _ index: UInt64) -> UInt64 {
    space.value.areaPages[Int(index / Self.areasPerPage)] + index % Self.areasPerPage * 32
  }

  func area(_ space: Ref<SpaceData>, _ index: UInt64) -> Area {
    memory.load(areaAddress(space, index))
  }

  func setArea(_ space: Ref<SpaceData>, _ index: UInt64, _ area: Area) {
    memory.store(area, at: areaAddress(space, index))
  }

  /// The index of the first area that ends after an address; the count if there is none.
  func firstArea(_ space: Ref<SpaceData>, endingAfter address: UInt64) -> UInt64 {
    var low: UInt64 = 0
    var high = space.value.areaCount
    while low < high {
      let middle = (low + high) / 2
      if area(space, middle).end > address { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The area that an address is in.
  func findArea(_ space: Ref<SpaceData>, _ address: UInt64) -> Area? {
    let index = firstArea(space, endingAfter: address)
    guard index < space.value.areaCount else { return nil }
    let found = area(space, index)
    return found.start <= address ? found : nil
  }

  private func insertArea(_ space: Ref<SpaceData>, at index: UInt64, _ area: Area) throws(Errno) {
    let count = space.value.areaCount
    guard count < Self.areaLimit else { throw .noMemory }
    let page = Int(count / Self.areasPerPage)
    if space.value.areaPages[page] == 0 { space.value.areaPages[page] = try allocateZeroed() }
    var position = count
    while position > index {
      setArea(space, position, self.area(space, position - 1))
      position -= 1
    }
    space.value.areaCount = count + 1
    setArea(space, index, area)
  }

  private func removeArea(_ space: Ref<SpaceData>, at index: UInt64) {
    var position = index
    while position + 1 < space.value.areaCount {
      setArea(space, position, area(space, position + 1))
      position += 1
    }
    space.value.areaCount -= 1
  }

  /// Splits the area that an address is inside of, so that one begins there.
  private func splitArea(_ space: Ref<SpaceData>, at address: UInt64) throws(Errno) {
    let index = firstArea(space, endingAfter: address)
    guard index < space.value.areaCount else { return }
    var left = area(space, index)
    guard left.start < address else { return }
    var right = left
    right.start = address
    left.end = address
    try insertArea(space, at: index + 1, right)
    setArea(space, index, left)
  }

  /// Joins the area at an index with its right neighbour if they are alike.
  private func joinArea(_ space: Ref<SpaceData>, at index: UInt64) {
    guard index + 1 < space.value.areaCount else { return }
    var left = area(space, index)
    let right = area(space, index + 1)
    guard left.end == right.start, left.protection == right.protection, left.kind == right.kind else { return }
    left.end = right.end
    setArea(space, index, left)
    removeArea(space, at: index + 1)
  }

  /// Adds an area where none is.
  func addArea(_ space: Ref<SpaceData>, _ area: Area) throws(Errno) {
    let index = firstArea(space, endingAfter: area.start)
    try insertArea(space, at: index, area)
    joinArea(space, at: index)
    if index > 0 { joinArea(space, at: index - 1) }
  }

  /// Removes what lies in a range, with its pages.
  func removeAreas(_ space: Ref<SpaceData>, from start: UInt64, to end: UInt64) throws(Errno) {
    try splitArea(space, at: start)
    try splitArea(space, at: end)
    let index = firstArea(space, endingAfter: start)
    var found = false
    while index < space.value.areaCount, area(space, index).start < end {
      removeArea(space, at: index)
      found = true
    }
    if found { unmapPages(space, from: start, to: end) }
  }

  /// Whether a range is wholly inside areas.
  func isCovered(_ space: Ref<SpaceData>, from start: UInt64, to end: UInt64) -> Bool {
    var address = start
    var index = firstArea(space, endingAfter: start)
    while address < end {
      guard index < space.value.areaCount else { return false }
      let next = area(space, index)
      guard next.start <= address else { return false }
      address = next.end
      index += 1
    }
    return true
  }

  /// Changes the rights of a range. ENOMEM if there is a hole; what lies before it is changed, as on Linux.
  func protectAreas(
    _ space: Ref<SpaceData>, from start: UInt64, to end: UInt64, _ protection: Protection
  ) throws(Errno) {
    try splitArea(space, at: start)
    try splitArea(space, at: end)
    var address = start
    var index = firstArea(space, endingAfter: start)
    while address < end {
      guard index < space.value.areaCount else { throw .noMemory }
      var next = area(space, index)
      guard next.start <= address else { throw .noMemory }
      next.protection = protection
      setArea(space, index, next)
      try protectPages(space, next)
      address = next.end
      index += 1
    }
    // Neighbours may have become alike.
    var joint = firstArea(space, endingAfter: start)
    if joint > 0 { joint -= 1 }
    while joint + 1 < space.value.areaCount, area(space, joint).start < end {
      let before = space.value.areaCount
      joinArea(space, at: joint)
      if space.value.areaCount == before { joint += 1 }
    }
  }

  /// Gives the pages of an area its rights.
  private func protectPages(_ space: Ref<SpaceData>, _ area: Area) throws(Errno) {
    var lost = false
    try forEachEntry(space, from: area.start, to: area.end) { address, slot, entry throws(Errno) in
      let new = PageEntry(
        page: entry.page, protection: area.protection, copyOnWrite: entry.isCopyOnWrite)
      if new == entry { return }
      if area.protection.contains(.execute) { platform.synchronizeCode(entry.page) }
      memory.store(new.bits, at: slot)
      lost = lost || entry.isValid
    }
    if lost { platform.invalidateAll(asid: space.value.asid) } else { platform.publish() }
  }

  /// Addresses for a new mapping: the highest free ones below `mapTop`. ENOMEM if there are none.
  func findFree(_ space: Ref<SpaceData>, _ size: UInt64) throws(Errno) -> UInt64 {
    var top = space.value.mapTop
    var index = firstArea(space, endingAfter: top)
    // The area that contains `top`, if any, starts below it.
    if index < space.value.areaCount, area(space, index).start < top { top = area(space, index).start }
    while true {
      let floor = index > 0 ? area(space, index - 1).end : Layout.userStart
      if top >= floor, top - floor >= size { return top - size }
      guard index > 0 else { throw .noMemory }
      index -= 1
      top = min(top, area(space, index).start)
    }
  }
}
