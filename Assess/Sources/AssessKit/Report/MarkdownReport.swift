/// The report as Markdown.
public enum MarkdownReport {
  public static func text(_ report: Report) throws -> String { "" }
}
