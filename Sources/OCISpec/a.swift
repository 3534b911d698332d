public enum OCI { public static let x = 1 }
