import CLinux
import LinuxSystem
import OCISpec

/// AppArmor profile and SELinux label of the process, taken on by its execve.
enum SecurityLabels {
  static func apply(_ process: OCISpec.Process) throws(RuntimeError) {
    if let profile = process.apparmorProfile, !profile.isEmpty {
      guard canAccess("/sys/kernel/security/apparmor", mode: 0) || canWrite("attr/apparmor/exec")
      else {
        throw RuntimeError(
          .process, "process.apparmorProfile (" + profile + "): the kernel has no AppArmor",
          hint: "remove the field")
      }
      try write("attr/apparmor/exec", "exec " + profile, "process.apparmorProfile (" + profile + ")")
    }
    if let label = process.selinuxLabel, !label.isEmpty {
      guard canWrite("attr/exec") else {
        throw RuntimeError(
          .process, "process.selinuxLabel (" + label + "): the kernel has no active SELinux",
          hint: "remove the field")
      }
      try write("attr/exec", label, "process.selinuxLabel (" + label + ")")
    }
  }

  private static func canWrite(_ file: String) -> Bool {
    canAccess("/proc/thread-self/" + file, mode: W_OK)
  }

  private static func write(_ file: String, _ text: String, _ place: String) throws(RuntimeError) {
    let procfs = try PrivateProcfs()
    let pid = currentProcess()
    try at(.process, place) { () throws(Errno) in
      try procfs.write("\(pid)/task/\(pid)/" + file, text)
    }
  }
}

/// The execution domain (personality(2)).
enum PersonalityStage {
  static func apply(_ personality: OCISpec.Personality) throws(RuntimeError) {
    let value: UInt
    switch personality.domain {
    case "LINUX": value = 0
    case "LINUX32": value = 8
    default:
      throw RuntimeError(
        .process, "linux.personality.domain: \"" + personality.domain + "\" is unknown",
        hint: "use LINUX or LINUX32")
    }
    if let flag = personality.flags.first {
      throw RuntimeError(.process, "linux.personality.flags: \"" + flag + "\" is not supported")
    }
    try at(.process, "linux.personality") { () throws(Errno) in try setPersonality(value) }
  }
}
