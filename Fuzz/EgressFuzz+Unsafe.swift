/// Entry point of libFuzzer (LLVMFuzzerTestOneInput of its manual): reads `size` bytes as a query of a sandbox, as an answer of
/// a name server, and as rules of a caller. Built together with the sources of Egress that are pure; see `run`.
///
/// It traps, and so fails the run, when a name that was read doesn't survive being written, or when more comes out of an
/// answer than one may hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEgress(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  // SAFETY: libFuzzer lends `size` bytes from `start` for the time of the call; they are copied.
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: size))
  if let (id, question) = DNSMessage.readQuery(bytes) {
    let again = DNSMessage.readQuery(DNSMessage.query(id: id, question))
    precondition(again?.id == id && again?.question == question, "a query is written as another")
    if let answer = DNSMessage.readAnswer(bytes, id: id, question: question) {
      precondition(answer.addresses.count <= 16 && answer.code < 16, "more than an answer holds")
      let written = DNSMessage.response(id: id, question, answer)
      precondition(
        DNSMessage.readAnswer(written, id: id, question: question) == answer, "an answer is written as another")
    }
  }
  for type in [DNSMessage.Question.address, DNSMessage.Question.address6] {
    let question = DNSMessage.Question(name: "a.example", type: type)
    _ = DNSMessage.readAnswer(bytes, id: 0x6161, question: question)
  }
  do throws(EgressRules.Mistake) {
    let rules = try EgressRules(forRelay: String(decoding: bytes, as: UTF8.self))
    let ports = rules.ports(.tcp).count + rules.ports(.udp).count
    precondition(!rules.rules.isEmpty && ports <= EgressRules.portLimit, "rules that mean nothing")
  } catch {
    precondition(!error.message.isEmpty, "a mistake without words")
  }
  return 0
}
