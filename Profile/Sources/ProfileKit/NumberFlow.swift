import SyscallCatalogue

/// Finds the numbers of system calls: what a register can hold, by following it backwards through a function and into
/// those that call it.
///
/// Numbers in memory are followed while they are reached by a pointer in a register or in a variable of the file; that
/// no other function changes them on the way is assumed.
struct NumberFlow {
  struct Result {
    var values: Set<UInt32> = []
    /// Where the way back ended without a number, if it did: there may be others.
    var lost: CallGraph.Place?

    var isComplete: Bool { lost == nil }

    fileprivate mutating func lose(_ state: State, at address: UInt64? = nil) {
      if lost == nil { lost = CallGraph.Place(image: state.function.image, address: address ?? state.address) }
    }
  }

  fileprivate enum Location: Hashable {
    case register(UInt8)
    case memory(base: UInt8, offset: Int64)
  }

  fileprivate struct State: Hashable {
    var function: CallGraph.Function
    var address: UInt64
    var location: Location
    var plus: Int64
  }

  private struct Body {
    var instructions: [Instruction]
    var index: [UInt64: Int]
    var predecessors: [[Int]]
    var jumps: [Int]
  }

  private enum Step {
    case value(UInt64)
    case unknown
    case at([Location], plus: Int64)
    /// What is stored at an address of the file, or where that points to.
    case global(UInt64, offset: Int64?)
  }

  private let graph: CallGraph
  private let architecture: Architecture
  private var bodies: [CallGraph.Function: Body] = [:]
  /// Whether functions return, as far as that was asked.
  private var returning: [CallGraph.Place: Bool] = [:]
  private static let limit = 20_000

  init(_ graph: CallGraph, _ architecture: Architecture) {
    self.graph = graph
    self.architecture = architecture
  }

  private var numberRegister: UInt8 { architecture == .aarch64 ? 8 : 0 }
  private var stackPointer: UInt8 { architecture == .aarch64 ? 31 : 4 }
  /// Registers that a call may change.
  private var scratch: UInt32 { architecture == .aarch64 ? 0x4007_ffff : 0x0fc7 }

  /// The numbers of one system call instruction.
  mutating func numbers(at site: CallGraph.Site) -> Result {
    var result = Result()
    var seen: Set<State> = []
    var work = [
      State(function: site.function, address: site.address, location: .register(numberRegister), plus: 0)
    ]
    while let state = work.popLast() {
      guard seen.insert(state).inserted else { continue }
      guard seen.count < Self.limit else {
        result.lose(state)
        break
      }
      let body = body(state.function)
      if let other = onStack(state, body) {
        work.append(other)
        continue
      }
      guard let index = body.index[state.address] else {
        result.lose(state)
        continue
      }
      var ways = 0
      for previous in predecessors(of: index, in: body) {
        ways += 1
        step(body.instructions[previous], state, &result, &work)
      }
      enter(state, ways, &result, &work)
    }
    return result
  }

  /// The same memory by the stack pointer, if the pointer to it was made of that just before. What stores there may
  /// use either.
  private func onStack(_ state: State, _ body: Body) -> State? {
    guard case .memory(let base, let offset) = state.location, base != stackPointer,
      var index = body.index[state.address]
    else { return nil }
    for _ in 0..<40 {
      guard body.predecessors[index].count == 1 else { return nil }
      index = body.predecessors[index][0]
      let instruction = body.instructions[index]
      switch instruction.effect {
      case .copy(base, from: stackPointer, let plus):
        var other = state
        other.location = .memory(base: stackPointer, offset: offset &+ plus)
        return other
      case .copy(base, _, _), .copy(stackPointer, _, _), .push, .pushConstant, .pop, .constant(base, _),
        .load(base, _, _),
        .loadGlobal(base), .conditionalCopy(base, _), .insert(base, _, _):
        return nil
      default:
        if (instruction.clobbers >> UInt32(base) | instruction.clobbers >> UInt32(stackPointer)) & 1 == 1 { return nil }
      }
    }
    return nil
  }

  private func predecessors(of index: Int, in body: Body) -> [Int] {
    let found = body.predecessors[index]
    return found.isEmpty && index > 0 ? body.jumps : found
  }

  /// Goes to those that call, or jump to, the instruction of a state.
  private mutating func enter(_ state: State, _ ways: Int, _ result: inout Result, _ work: inout [State]) {
    let place = CallGraph.Place(image: state.function.image, address: state.address)
    let sites = graph.sites[place] ?? []
    if graph.taken.contains(place) || ways == 0 && sites.isEmpty { result.lose(state) }
    for site in sites {
      if site.isFall {
        let body = body(site.function)
        guard let index = body.index[site.address] else { continue }
        var before = state
        before.function = site.function
        step(body.instructions[index], before, &result, &work)
        continue
      }
      var location = state.location
      if site.isCall, architecture == .x86_64, case .memory(stackPointer, let offset) = location {
        // The return address lies between.
        location = .memory(base: stackPointer, offset: offset - 8)
      }
      work.append(State(function: site.function, address: site.address, location: location, plus: state.plus))
    }
  }

  private func step(_ instruction: Instruction, _ state: State, _ result: inout Result, _ work: inout [State]) {
    switch before(instruction, state.location) {
    case .value(let value): result.values.insert(UInt32(truncatingIfNeeded: value &+ UInt64(bitPattern: state.plus)))
    case .unknown: result.lose(state, at: instruction.address)
    case .at(let locations, let plus):
      for location in locations {
        work.append(
          State(
            function: state.function, address: instruction.address, location: location, plus: state.plus &+ plus))
      }
    case .global(let address, let offset):
      let stores = graph.stores[CallGraph.Place(image: state.function.image, address: address)] ?? []
      if stores.isEmpty {
        // Nobody who can run writes it: it is what the file says, and a pointer is none.
        guard offset == nil, let value = graph.images[state.function.image].file.u32(at: address) else { break }
        result.values.insert(value &+ UInt32(truncatingIfNeeded: state.plus))
      }
      for site in stores {
        guard let register = stored(at: site) else {
          result.lose(state, at: instruction.address)
          continue
        }
        let location = offset.map { Location.memory(base: register, offset: $0) } ?? .register(register)
        work.append(State(function: site.function, address: site.address, location: location, plus: state.plus))
      }
    }
  }

  private func stored(at site: CallGraph.Site) -> UInt8? {
    let instructions = graph.images[site.function.image].instructions(of: site.function.start)
    switch instructions.first(where: { $0.address == site.address })?.effect {
    case .storeGlobal(let from), .store(let from, _, _): return from
    default: return nil
    }
  }

  /// Where that was before an instruction what is in a location behind it.
  private func before(_ instruction: Instruction, _ location: Location) -> Step {
    let isCall = instruction.isCall
    switch location {
    case .register(let register):
      if isCall, scratch >> UInt32(register) & 1 == 1 { return .unknown }
      if instruction.clobbers >> UInt32(register) & 1 == 1 { return .unknown }
      switch instruction.effect {
      case .constant(register, let value): return .value(value)
      case .copy(register, let from, let plus): return .at([.register(from)], plus: plus)
      case .conditionalCopy(register, let from): return .at([.register(from), location], plus: 0)
      case .insert(register, _, _): return .unknown
      case .load(register, let base, let offset): return .at([.memory(base: base, offset: offset)], plus: 0)
      case .loadGlobal(register): return instruction.reference.map { .global($0, offset: nil) } ?? .unknown
      case .pop(register): return .at([.memory(base: stackPointer, offset: 0)], plus: 0)
      default: return .at([location], plus: 0)
      }
    case .memory(let base, let offset):
      if isCall, scratch >> UInt32(base) & 1 == 1 { return .unknown }
      if instruction.clobbers >> UInt32(base) & 1 == 1 { return .unknown }
      if let other = instruction.overwrites, other.base == base, other.offset < offset &+ 4,
        offset < other.offset &+ other.size
      {
        return .unknown
      }
      switch instruction.effect {
      case .store(let from, base, offset): return .at([.register(from)], plus: 0)
      case .storeConstant(let value, base, offset): return .value(value)
      case .copy(base, let from, let plus): return .at([.memory(base: from, offset: offset &+ plus)], plus: 0)
      case .loadGlobal(base): return instruction.reference.map { .global($0, offset: offset) } ?? .unknown
      case .constant(base, _), .conditionalCopy(base, _), .insert(base, _, _), .load(base, _, _), .pop(base):
        return .unknown
      case .push(let register) where base == stackPointer:
        guard offset == 0 else { return .at([.memory(base: base, offset: offset - 8)], plus: 0) }
        return register == 0xff ? .unknown : .at([.register(register)], plus: 0)
      case .pushConstant(let value) where base == stackPointer:
        return offset == 0 ? .value(value) : .at([.memory(base: base, offset: offset - 8)], plus: 0)
      case .pop where base == stackPointer: return .at([.memory(base: base, offset: offset + 8)], plus: 0)
      default: return .at([location], plus: 0)
      }
    }
  }

  // MARK: functions that do not return

  /// Whether an instruction is a call that never comes back.
  private mutating func ends(_ instruction: Instruction, _ image: Int, depth: Int = 0) -> Bool {
    switch instruction.flow {
    case .call(let target): neverReturns(graph.targets(of: target, in: image), depth)
    case .indirectCall:
      if instruction.usesMemory, let cell = instruction.reference {
        neverReturns(graph.targets(ofCell: cell, in: image), depth)
      } else {
        false
      }
    default: false
    }
  }

  private mutating func neverReturns(_ places: [CallGraph.Place], _ depth: Int) -> Bool {
    guard !places.isEmpty, depth < 6 else { return false }
    return places.allSatisfy { place in
      if let known = returning[place] { return !known }
      returning[place] = true  // for functions that call themselves
      let answer = canReturn(place, depth)
      returning[place] = answer
      return !answer
    }
  }

  private mutating func canReturn(_ place: CallGraph.Place, _ depth: Int) -> Bool {
    let image = graph.images[place.image]
    let instructions = image.instructions(of: image.function(at: place.address))
    guard instructions.count < 2000 else { return true }
    var index: [UInt64: Int] = [:]
    for (number, instruction) in instructions.enumerated() { index[instruction.address] = number }
    guard let start = index[place.address] else { return true }
    var seen = [Bool](repeating: false, count: instructions.count)
    var work = [start]
    while let number = work.popLast() {
      if seen[number] { continue }
      seen[number] = true
      let instruction = instructions[number]
      switch instruction.flow {
      case .indirectJump: return true
      case .end: if instruction.isReturn { return true }
      case .jump(let target), .branch(let target):
        if let next = index[target] {
          work.append(next)
        } else if !neverReturns(graph.targets(of: target, in: place.image), depth + 1) {
          return true
        }
      default: break
      }
      guard instruction.fallsThrough, !ends(instruction, place.image, depth: depth + 1) else { continue }
      guard let next = index[instruction.end] else { return true }
      work.append(next)
    }
    return false
  }

  private mutating func body(_ function: CallGraph.Function) -> Body {
    if let known = bodies[function] { return known }
    let image = graph.images[function.image]
    let instructions = image.instructions(of: function.start)
    var index: [UInt64: Int] = [:]
    for (place, instruction) in instructions.enumerated() { index[instruction.address] = place }
    var predecessors = [[Int]](repeating: [], count: instructions.count)
    var jumps: [Int] = []
    for (place, instruction) in instructions.enumerated() {
      if instruction.fallsThrough, !ends(instruction, function.image), let next = index[instruction.end] {
        predecessors[next].append(place)
      }
      switch instruction.flow {
      case .jump(let target), .branch(let target):
        if let next = index[target] { predecessors[next].append(place) }
      case .indirectJump: jumps.append(place)
      default: break
      }
    }
    if !jumps.isEmpty, let first = instructions.first, let last = instructions.last {
      var targets: Set<UInt64> = []
      for instruction in instructions {
        guard let table = instruction.reference else { continue }
        targets.formUnion(image.jumpTable(at: table, within: first.address..<last.end))
      }
      for target in targets {
        if let next = index[target] { predecessors[next] += jumps }
      }
    }
    // What fills space is never reached, but falls through to what is.
    for (place, instruction) in instructions.enumerated() where place > 0 && predecessors[place].isEmpty {
      let isTarget = graph.sites[CallGraph.Place(image: function.image, address: instruction.address)] != nil
      guard instruction.isPadding, !isTarget, place + 1 < instructions.count else { continue }
      predecessors[place + 1].removeAll { $0 == place }
    }
    let body = Body(instructions: instructions, index: index, predecessors: predecessors, jumps: jumps)
    bodies[function] = body
    return body
  }
}
