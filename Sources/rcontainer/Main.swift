import ContainerRuntime
@main struct Main { static func main() { go() } }
