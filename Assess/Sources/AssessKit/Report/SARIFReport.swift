/// The report as SARIF.
public enum SARIFReport {
  public static func text(_ report: Report) throws -> String { "" }
}
