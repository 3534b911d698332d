import ShimABI

// Calls whose arguments depend on another argument: ioctl, fcntl, prctl, pselect6.

extension Kernel {
  /// ioctl. Requests that are not known are ENOTTY: nobody could say what their argument is.
  func control() throws(Errno) -> Int64 {
    let request = frame.value.x[1] & 0xffff_ffff
    let shape: Shape
    switch request {
    case 0x5401: shape = Shape(.scalar, .scalar, .fixedOut(36))  // TCGETS
    case 0x5402, 0x5403, 0x5404: shape = Shape(.scalar, .scalar, .fixedIn(36))  // TCSETS TCSETSW TCSETSF
    case 0x802c_542a: shape = Shape(.scalar, .scalar, .fixedOut(44))  // TCGETS2
    case 0x402c_542b, 0x402c_542c, 0x402c_542d: shape = Shape(.scalar, .scalar, .fixedIn(44))  // TCSETS2…
    case 0x5409, 0x540a, 0x540b, 0x540e: shape = Shape(scalars: 3)  // TCSBRK TCXONC TCFLSH TIOCSCTTY
    case 0x540c, 0x540d, 0x5422: shape = Shape(scalars: 2)  // TIOCEXCL TIOCNXCL TIOCNOTTY
    case 0x540f, 0x5411, 0x541b, 0x5429, 0x8004_5430, 0x8004_5439:
      shape = Shape(.scalar, .scalar, .fixedOut(4))  // TIOCGPGRP TIOCOUTQ FIONREAD TIOCGSID TIOCGPTN TIOCGPTLCK
    case 0x5410, 0x5421, 0x5452, 0x4004_5431:
      shape = Shape(.scalar, .scalar, .fixedIn(4))  // TIOCSPGRP FIONBIO FIOASYNC TIOCSPTLCK
    case 0x5412: shape = Shape(.scalar, .scalar, .fixedIn(1))  // TIOCSTI, which the host denies or not
    case 0x5413: shape = Shape(.scalar, .scalar, .fixedOut(8))  // TIOCGWINSZ
    case 0x5414: shape = Shape(.scalar, .scalar, .fixedIn(8))  // TIOCSWINSZ
    case 0x5450, 0x5451: shape = Shape(scalars: 2)  // FIONCLEX FIOCLEX
    case 0x5441: shape = Shape(scalars: 3, result: .descriptor)  // TIOCGPTPEER
    case 0x8905: shape = Shape(.scalar, .scalar, .fixedOut(4))  // SIOCATMARK
    case 0x8910, 0x8913, 0x8915, 0x8919, 0x891b, 0x891d, 0x8921, 0x8927, 0x8933, 0x8942, 0x8970:
      shape = Shape(.scalar, .scalar, .fixedBoth(40))  // SIOCGIF*: struct ifreq
    case 0x8914, 0x8916, 0x891a, 0x891c, 0x891e, 0x8922, 0x8924, 0x8943:
      shape = Shape(.scalar, .scalar, .fixedIn(40))  // SIOCSIF*
    case 0x890b, 0x890c: shape = Shape(.scalar, .scalar, .fixedIn(120))  // SIOCADDRT SIOCDELRT: struct rtentry
    case 0x8008_6601: shape = Shape(.scalar, .scalar, .fixedOut(8))  // FS_IOC_GETFLAGS
    case 0x4008_6602: shape = Shape(.scalar, .scalar, .fixedIn(8))  // FS_IOC_SETFLAGS
    case 0x4004_9409: shape = Shape(scalars: 3)  // FICLONE
    default: throw .notTerminal
    }
    return try marshal(Call.ioctl, shape)
  }

  /// fcntl.
  func fileControl() throws(Errno) -> Int64 {
    switch frame.value.x[1] & 0xffff_ffff {
    // F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, F_GET_SEALS
    case 1, 3, 9, 11, 1025, 1032, 1034: try marshal(Call.fcntl, Shape(scalars: 2, result: .number))
    // F_DUPFD, F_DUPFD_CLOEXEC
    case 0, 1030: try marshal(Call.fcntl, Shape(scalars: 3, result: .descriptor))
    // F_SETPIPE_SZ
    case 1031: try marshal(Call.fcntl, Shape(scalars: 3, result: .number))
    // F_SETFD, F_SETFL, F_SETOWN, F_SETSIG, F_SETLEASE, F_ADD_SEALS
    case 2, 4, 8, 10, 1024, 1033: try marshal(Call.fcntl, Shape(scalars: 3))
    // F_GETLK, F_SETLK, F_SETLKW and those of open file descriptions
    case 5, 36: try marshal(Call.fcntl, Shape(.scalar, .scalar, .fixedBoth(32)))
    case 6, 7, 37, 38: try marshal(Call.fcntl, Shape(.scalar, .scalar, .fixedIn(32)))
    // F_SETOWN_EX, F_GETOWN_EX
    case 15: try marshal(Call.fcntl, Shape(.scalar, .scalar, .fixedIn(8)))
    case 16: try marshal(Call.fcntl, Shape(.scalar, .scalar, .fixedOut(8)))
    default: throw .invalid
    }
  }

  /// prctl. What would change the proxy in a way that breaks it is EINVAL.
  func processControl() throws(Errno) -> Int64 {
    switch frame.value.x[0] & 0xffff_ffff {
    // PR_GET_PDEATHSIG, PR_GET_CHILD_SUBREAPER
    case 2, 37: return try marshal(167, Shape(.scalar, .fixedOut(4)))
    // PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_GET/SET_KEEPCAPS, PR_CAPBSET_READ/DROP, PR_GET/SET_SECUREBITS,
    // PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER, no_new_privs, THP, ambient capabilities
    case 1, 7, 8, 23, 24, 28, 29, 36: return try marshal(167, Shape(scalars: 2, result: .number))
    case 3, 27, 30: return try marshal(167, Shape(scalars: 1, result: .number))
    case 38, 39, 41, 42, 47: return try marshal(167, Shape(scalars: 5, result: .number))
    case 4: return 0  // PR_SET_DUMPABLE: memory of con-shims is never dumped
    case 15:  // PR_SET_NAME
      var request = Request(167)
      request.arguments[0] = 15
      guard let offset = request.reserve(16) else { throw .invalid }
      memory.zero(exchange(offset), count: 16)
      _ = try? copyString(frame.value.x[1], to: exchange(offset), limit: 15)
      memory.store(UInt8(0), at: exchange(offset + 15))
      request.setPointer(1, offset)
      return min(send(request), 0)
    case 16: return try marshal(167, Shape(.scalar, .fixedOut(16)))  // PR_GET_NAME
    default: throw .invalid
    }
  }

  /// pselect6: three sets, a timeout, and a pointer to a signal mask with its size.
  func select() throws(Errno) -> Int64 {
    var request = Request(72)
    let count = frame.value.x[0]
    guard count <= 65536 else { throw .invalid }
    let size = (count + 63) / 64 * 8
    request.arguments[0] = count
    for index in 1...3 where frame.value.x[index] != 0 {
      try place(&request, index, frame.value.x[index], size, copy: true)
    }
    if frame.value.x[4] != 0 { try place(&request, 4, frame.value.x[4], 16, copy: true) }
    if frame.value.x[5] != 0 {
      guard let offset = request.reserve(32) else { throw .invalid }
      let mask = try get(frame.value.x[5], as: UInt64.self)
      memory.store(mask == 0 ? 0 : offset + 16, at: exchange(offset))
      memory.store(UInt64(8), at: exchange(offset + 8))
      if mask != 0 {
        let bits = try get(mask, as: UInt64.self)
        memory.store(bits, at: exchange(offset + 16))
        useMaskForCall(bits)
      }
      request.setPointer(5, offset)
    }
    let result = send(request)
    guard result >= 0 else { return result }
    guard UInt64(result) <= 3 * count else { throw .inputOutput }
    for index in 1...3 where frame.value.x[index] != 0 {
      try copyOut(exchange(request.arguments[index]), to: frame.value.x[index], count: size)
    }
    return result
  }
}
