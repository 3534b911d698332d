import CLinux
import LinuxSystem
import OCISpec
import SeccompFilter

/// `features`: what this runtime can do (features.md, features-linux.md).
public enum Features {
  public static func json() -> String {
    var writer = JSONWriter(pretty: true)
    writer.object { writer in
      writer.member("ociVersionMin", "1.0.0")
      writer.member("ociVersionMax", OCISpec.State.version)
      writer.member(
        "hooks",
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
      writer.member("mountOptions", MountOptions.names)
      writer.key("linux")
      writer.object { writer in linux(&writer) }
      writer.key("annotations")
      writer.object { writer in
        writer.member("org.rcontainer.version", RContainer.version)
        writer.member("org.rcontainer.commit", "")
      }
    }
    return writer.text
  }

  private static func linux(_ writer: inout JSONWriter) {
    writer.member("namespaces", LinuxNamespace.Kind.allCases.map { $0.rawValue })
    writer.member("capabilities", CapabilityNames.all)
    writer.key("cgroup")
    writer.object { writer in
      writer.member("v1", true)
      writer.member("v2", true)
      writer.member("systemd", false)
      writer.member("systemdUser", false)
      writer.member("rdma", true)
    }
    writer.key("seccomp")
    writer.object { writer in
      writer.member("enabled", true)
      writer.member("actions", SeccompAction.names)
      writer.member("operators", SeccompPolicy.Comparison.allCases.map { $0.rawValue })
      writer.member("archs", SeccompArchitecture.names)
      writer.member("knownFlags", SeccompStage.flagNames)
      writer.member("supportedFlags", SeccompStage.flagNames)
    }
    for (name, enabled) in [("apparmor", true), ("selinux", true), ("intelRdt", false)] {
      writer.key(name)
      writer.object { writer in writer.member("enabled", enabled) }
    }
    writer.key("memoryPolicy")
    writer.object { writer in
      writer.member("modes", MemoryPolicyStage.modes)
      writer.member("flags", MemoryPolicyStage.flags)
    }
    writer.key("mountExtensions")
    writer.object { writer in
      writer.key("idmap")
      writer.object { writer in writer.member("enabled", true) }
    }
    writer.key("netDevices")
    writer.object { writer in writer.member("enabled", true) }
  }
}

/// What this program is.
public enum RContainer {
  public static let version = "0.1.0"
}
