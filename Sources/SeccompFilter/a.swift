import SyscallCatalogue
public enum SF { public static let x = SyscallCatalogue.x }
