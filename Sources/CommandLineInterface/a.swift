public enum CLI { public static let x = 1 }
