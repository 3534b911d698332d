public enum CG { public static let x = 1 }
