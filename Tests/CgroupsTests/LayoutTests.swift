import Testing

@testable import Cgroups

@Suite struct LayoutTests {
  private let hybrid = """
    23 1 254:0 / / rw,relatime - ext4 /dev/root rw
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
    40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
    """

  @Test func countsAHierarchyOnceWhereItIsUsuallyMounted() {
    let twice = CgroupLayout(
      mountInfo: """
        50 1 0:32 / /srv/chroot/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        51 1 0:32 /a/b /mnt/memory rw - cgroup cgroup rw,memory
        """)
    #expect(twice.hierarchies.map { $0.mountPoint } == ["/sys/fs/cgroup/memory"])
  }

  @Test(arguments: [
    "", "x", "1 2 3 4 5 6 -", "- - - - - - - - -", "1 2 3 / /c rw - cgroup c rw", "-", " - ",
    " - cgroup", "1 2 3 / /c rw - cgroup",
    "1 2 3 / /c rw - cgroup2", "1 2 3 / /c rw - cgroups c rw,memory",
  ])
  func ignoresLinesThatAreNoCgroup(line: String) {
    #expect(CgroupLayout(mountInfo: line).hierarchies.isEmpty)
  }

  @Test func ownCgroupIsTakenFromItsHierarchy() {
    let text = "4:memory:/a/b\n3:cpu,cpuacct:/c:d\n1:name=systemd:/s\n0::/u\n"
    let own = CgroupLayout(mountInfo: hybrid).hierarchies.map { CgroupLayout.own($0, text) }
    #expect(own == ["/c:d", "/a/b", "/s", "/u"])
  }

  /// In a container without a cgroup namespace the mount shows the container's cgroup as its root.
  @Test(arguments: [
    ("/docker/1", "/docker/1", "/"), ("/docker/1", "/docker/1/x", "/x"),
    ("/docker/1", "/docker/12", "/"), ("/docker/1", "/other", "/"), ("/", "/x", "/x"),
  ])
  func ownCgroupIsSeenFromWhatIsMounted(root: String, path: String, expected: String) {
    let layout = CgroupLayout(
      mountInfo: "35 31 0:32 \(root) /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory")
    #expect(CgroupLayout.own(layout.hierarchies[0], "4:memory:\(path)\n") == expected)
  }
}
