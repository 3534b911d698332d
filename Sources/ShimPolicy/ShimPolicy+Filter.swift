import SeccompFilter
import SyscallCatalogue

extension ShimPolicy {
  /// As rules for the filter compiler. A call that is newer than the catalogue does not exist (ENOSYS); one of an
  /// architecture that the policy leaves out ends the process.
  public var seccompPolicy: SeccompPolicy {
    var policy = SeccompPolicy(defaultAction: .error(38))
    if otherArchitectures { policy.architectures += Self.others }
    var direct: [String] = []
    var denied: [(error: UInt16, names: [String])] = []
    func deny(_ name: String, _ error: UInt16) {
      if error == 38 { return }
      if let place = denied.firstIndex(where: { $0.error == error }) {
        denied[place].names.append(name)
      } else {
        denied.append((error, [name]))
      }
    }
    for (index, callClass) in classes.enumerated() {
      let name = SyscallCatalogue.name(at: index)
      switch callClass {
      case .direct, .mediated(error: 0): direct.append(name)
      case .denied(let error), .mediated(let error): deny(name, error)
      case .checked(let alternatives, let error):
        for tests in alternatives {
          for conditions in Self.products(tests[...]) {
            policy.rules.append(SeccompPolicy.Rule([name], .allow, conditions))
          }
        }
        deny(name, error)
      }
    }
    policy.rules.append(SeccompPolicy.Rule(direct, .allow))
    for (error, names) in denied { policy.rules.append(SeccompPolicy.Rule(names, .error(error))) }
    return policy
  }

  /// What the kernel of this machine runs besides.
  private static var others: [Architecture] { Architecture.native == .x86_64 ? [.i386, .x32] : [.arm] }

  /// Rules compare with one value each.
  private static func products(_ tests: ArraySlice<CallTest>) -> [[SeccompPolicy.Condition]] {
    guard let test = tests.first else { return [[]] }
    let rest = products(tests.dropFirst())
    var all: [[SeccompPolicy.Condition]] = []
    for value in test.values {
      let condition = SeccompPolicy.Condition(
        argument: test.argument, .maskedEqual, UInt64(test.mask), UInt64(value))
      for others in rest { all.append([condition] + others) }
    }
    return all
  }
}
