import ShimABI

// The time, without the host: our counter plus an offset that the host told.

extension Kernel {
  /// Our counter in nanoseconds.
  func counterNanoseconds() -> UInt64 {
    let count = platform.counter()
    let frequency = platform.frequency
    // Two steps, since count * 10⁹ has more than 64 bits.
    return count / frequency &* 1_000_000_000 &+ count % frequency * 1_000_000_000 / frequency
  }

  /// clock_gettime of the host, for clocks that need no kernel of their own here.
  private func hostClock(_ clock: UInt64) -> Int64? {
    var request = Request(Call.clockGettime)
    request.arguments[0] = clock
    guard let offset = request.reserve(16) else { return nil }
    request.setPointer(1, offset)
    guard send(request) == 0 else { return nil }
    let seconds: Int64 = memory.load(exchange(offset))
    let nanoseconds: Int64 = memory.load(exchange(offset + 8))
    guard seconds >= 0, seconds < 1 << 33, nanoseconds >= 0, nanoseconds < 1_000_000_000 else { return nil }
    return seconds * 1_000_000_000 + nanoseconds
  }

  /// The time of a clock in nanoseconds: 0 real, 1 monotonic, 2 since boot. Nil if the host doesn't tell it.
  func now(_ index: Int) -> Int64? {
    let counter = Int64(bitPattern: counterNanoseconds())
    let fetched = Int64(bitPattern: task.value.clockFetched[index])
    // The real time can be set, so it is asked for again after a second. The others only go on.
    if fetched == 0 || index == 0 && counter &- fetched > 1_000_000_000 {
      let number: UInt64 = index == 0 ? 0 : index == 1 ? 1 : 7
      guard let time = hostClock(number) else { return nil }
      let after = Int64(bitPattern: counterNanoseconds())
      task.value.clockOffsets[index] = time &- after
      task.value.clockFetched[index] = UInt64(bitPattern: max(after, 1))
      return time
    }
    return counter &+ task.value.clockOffsets[index]
  }

  /// clock_gettime.
  func clockGettime() throws(Errno) -> Int64 {
    let index: Int
    switch frame.value.x[0] & 0xffff_ffff {
    case 0, 5: index = 0  // CLOCK_REALTIME, _COARSE
    case 1, 4, 6: index = 1  // CLOCK_MONOTONIC, _RAW, _COARSE
    case 7: index = 2  // CLOCK_BOOTTIME
    default: return try marshal(Call.clockGettime, Shape(.scalar, .fixedOut(16)))
    }
    guard let time = now(index) else { throw .inputOutput }
    try put(time / 1_000_000_000, at: frame.value.x[1])
    try put(time % 1_000_000_000, at: frame.value.x[1] &+ 8)
    return 0
  }

  /// gettimeofday.
  func getTimeOfDay() throws(Errno) -> Int64 {
    if frame.value.x[0] != 0 {
      guard let time = now(0) else { throw .inputOutput }
      try put(time / 1_000_000_000, at: frame.value.x[0])
      try put(time % 1_000_000_000 / 1000, at: frame.value.x[0] &+ 8)
    }
    if frame.value.x[1] != 0 { try put(UInt64(0), at: frame.value.x[1]) }
    return 0
  }
}
