public enum SyscallCatalogue { public static let x = 1 }
