import Egress
import LinuxSystem

/// Names of rules that have no address: said when a sandbox or a container starts, not when its program fails.
public enum EgressNames {
  /// - Parameters:
  ///   - nameserver: as the host's /etc/resolv.conf says if it is nil.
  ///   - place: where the rules are written.
  ///   - log: gets a warning if no name server answers, which passes; without it that is an error too.
  public static func check(
    _ rules: EgressRules, _ nameserver: (address: IPAddress, port: UInt16)?, _ place: String, log: Log?
  ) throws(RuntimeError) {
    let nameserver = nameserver ?? IPAddress.hostNameserver()
    let server = nameserver.address.description + (nameserver.port == 53 ? "" : ":\(nameserver.port)")
    switch NameCheck.run(rules, nameserver: nameserver) {
    case nil: return
    case .noAddress(let name):
      throw RuntimeError(
        .options, place + ": name server " + server + " knows no address of " + name,
        hint: "correct the name, or write " + name + ":PORT/later if it will have one")
    case .noAnswer(let name):
      let message = place + ": name server " + server + " does not say whether " + name + " has an address"
      guard let log else {
        throw RuntimeError(
          .options, message, hint: "name another with --dns, or write " + name + ":PORT/later")
      }
      log.write(.warning, message)
    }
  }
}
