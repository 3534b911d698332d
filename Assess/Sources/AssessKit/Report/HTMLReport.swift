/// The report as HTML.
public enum HTMLReport {
  public static func text(_ report: Report) throws -> String { "" }
}
