import Foundation
import OCISpec
import Testing

/// The documents that hooks, engines and seccomp agents are given.
@Suite struct StateTests {
  private let state = State(
    id: "box", status: .created, pid: 42, bundle: "/b", annotations: [StringPair("k.v", "w")])

  @Test func writesTheState() throws {
    #expect(
      try tree(state.encode()) == [
        "ociVersion": "1.3.0", "id": "box", "status": "created", "pid": 42, "bundle": "/b",
        "annotations": ["k.v": "w"],
      ])
    #expect(try tree(state.encode(pretty: true)) == tree(state.encode()))
  }

  @Test func leavesOutWhatAStoppedContainerHasNot() throws {
    let stopped = State(id: "box", status: .stopped, pid: nil, bundle: "/b", annotations: [])
    #expect(
      try tree(stopped.encode()) == [
        "ociVersion": "1.3.0", "id": "box", "status": "stopped", "bundle": "/b",
      ])
  }

  @Test func writesTheStateForSeccompAgents() throws {
    let document = ContainerProcessState(pid: 43, metadata: "m", state: state).encode()
    #expect(
      try tree(document) == [
        "ociVersion": "1.3.0", "fds": ["seccompFd"], "pid": 43, "metadata": "m",
        "state": try #require(try tree(state.encode())),
      ])
    let bare = ContainerProcessState(pid: 43, metadata: "", state: state).encode()
    #expect(try tree(bare)?["metadata"] == nil)
  }
}
