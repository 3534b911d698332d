/// Which functions of a program and its libraries can run, and who calls them.
///
/// A function can run if one that can run calls it or takes its address, or if its address lies in the data of a file
/// that is loaded. Calls by name go to every loaded file that defines the name.
final class CallGraph {
  struct Function: Hashable {
    var image: Int
    var start: UInt64
  }

  struct Place: Hashable {
    var image: Int
    var address: UInt64
  }

  /// A call, or a jump from one function into another.
  struct Site: Hashable {
    var function: Function
    var address: UInt64
    var isCall: Bool
    /// Control goes on without a jump.
    var isFall = false
  }

  let images: [Image]
  private(set) var reached: Set<Function> = []
  /// Who calls or jumps to a place.
  private(set) var sites: [Place: [Site]] = [:]
  /// Places that are called in ways that cannot be seen.
  private(set) var taken: Set<Place> = []
  /// Who writes the memory at a place.
  private(set) var stores: [Place: [Site]] = [:]
  /// Strings that functions or data refer to and that start like paths.
  private(set) var paths: Set<String> = []

  private var definitions: [String: [Place]] = [:]
  private let hinted: Set<Int>
  private var work: [Function] = []

  private enum Way {
    case site(Site)
    case address
  }

  /// - Parameters:
  ///   - images: the program, its libraries and the dynamic linker.
  ///   - entries: of images whose start is a way in.
  ///   - opened: images whose functions may be found by name while the program runs.
  ///   - hinted: images that strings name, so that their functions may be found by names that are strings.
  init(images: [Image], entries: [Int], opened: Set<Int>, hinted: Set<Int>) {
    self.images = images
    self.hinted = hinted
    for (index, image) in images.enumerated() {
      for symbol in image.file.symbols where symbol.isFunction && symbol.isDefined {
        definitions[symbol.name, default: []].append(Place(image: index, address: symbol.address))
      }
    }
    for index in entries { reach(index, images[index].file.entry, .address) }
    for (index, image) in images.enumerated() { start(index, image, isOpened: opened.contains(index)) }
    while let function = work.popLast() { visit(function) }
  }

  var systemCalls: [Site] {
    var found: [Site] = []
    for function in reached {
      for address in images[function.image].summary(of: function.start).systemCalls {
        found.append(Site(function: function, address: address, isCall: true))
      }
    }
    return found.sorted { ($0.function.image, $0.address) < ($1.function.image, $1.address) }
  }

  /// What runs, or may be called, because the file is loaded.
  private func start(_ index: Int, _ image: Image, isOpened: Bool) {
    let file = image.file
    for hook in file.hooks { reach(index, hook, .address) }
    for pointer in image.pointers {
      if image.mayStartFunction(at: pointer) { reach(index, pointer, .address) } else { note(index, pointer) }
    }
    for relocation in file.relocations.values {
      switch relocation {
      case .indirect(let resolver): reach(index, resolver, .address)
      case .symbol(let symbol, isCell: false): reach(named: file.symbols[symbol].name, .address)
      default: break
      }
    }
    if isOpened {
      for symbol in file.symbols where symbol.isFunction && symbol.isDefined { reach(index, symbol.address, .address) }
    }
    let asks = file.symbols.contains { !$0.isDefined && ($0.name == "dlsym" || $0.name == "dlvsym") }
    if asks || !hinted.isEmpty {
      file.forEachString(minimum: 2) { _, bytes in
        guard bytes.count < 128 else { return }
        for place in definitions[String(decoding: bytes, as: UTF8.self)] ?? [] {
          if asks && !isName(of: place, in: index) || hinted.contains(place.image) && place.image != index {
            reach(place.image, place.address, .address)
          }
        }
      }
    }
  }

  /// The string table of the file itself has all names that it defines.
  private func isName(of place: Place, in index: Int) -> Bool { place.image == index }

  private func reach(named name: String, _ way: Way) {
    for place in definitions[name] ?? [] { reach(place.image, place.address, way) }
  }

  private func reach(_ index: Int, _ address: UInt64, _ way: Way) {
    let image = images[index]
    guard image.file.code(of: address) != nil else { return }
    if let cell = image.stub(at: address) { return reach(index, cell: cell, way) }
    let place = Place(image: index, address: address)
    switch way {
    case .site(let site): sites[place, default: []].append(site)
    case .address: taken.insert(place)
    }
    let function = Function(image: index, start: image.function(at: address))
    if reached.insert(function).inserted { work.append(function) }
  }

  private func reach(_ index: Int, cell: UInt64, _ way: Way) {
    let file = images[index].file
    switch file.relocations[cell] {
    case .symbol(let symbol, _): reach(named: file.symbols[symbol].name, way)
    case .relative(let address): reach(index, address, way)
    case .indirect(let resolver): reach(index, resolver, .address)
    case nil: if file.isFixed, let address = file.u64(at: cell) { reach(index, address, way) }
    }
  }

  private func visit(_ function: Function) {
    let image = images[function.image]
    let summary = image.summary(of: function.start)
    for edge in summary.edges {
      reach(
        function.image, edge.to,
        .site(Site(function: function, address: edge.from, isCall: edge.isCall, isFall: edge.isFall)))
    }
    for reference in summary.references {
      let site = Site(function: function, address: reference.from, isCall: reference.isCall)
      if reference.usesMemory {
        if reference.isStore {
          stores[Place(image: function.image, address: reference.to), default: []].append(site)
        }
        reach(function.image, cell: reference.to, reference.transfers ? .site(site) : .address)
      } else if image.file.code(of: reference.to) != nil {
        if image.mayStartFunction(at: reference.to), image.function(at: reference.to) != function.start {
          reach(function.image, reference.to, .address)
        }
      } else {
        note(function.image, reference.to)
      }
    }
  }

  /// Where a call to an address goes: through a stub maybe, to each function of that name.
  func targets(of address: UInt64, in index: Int) -> [Place] {
    if let cell = images[index].stub(at: address) { return targets(ofCell: cell, in: index) }
    return [Place(image: index, address: address)]
  }

  func targets(ofCell cell: UInt64, in index: Int) -> [Place] {
    let file = images[index].file
    switch file.relocations[cell] {
    case .symbol(let symbol, _): return definitions[file.symbols[symbol].name] ?? []
    case .relative(let address): return [Place(image: index, address: address)]
    default: return []
    }
  }

  private func note(_ index: Int, _ address: UInt64) {
    let file = images[index].file
    guard let offset = file.offset(of: address), file.bytes[offset] == 0x2f, let path = file.string(at: address)
    else { return }
    paths.insert(path)
  }
}
