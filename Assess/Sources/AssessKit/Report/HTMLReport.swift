import Foundation
import Mustache

/// `report.html`: one file without anything from elsewhere.
///
/// What the report holds is hostile: names, versions and above all output of containers. Every value goes through one escaper (`HTMLText`),
/// templates have no unescaped values, and the page's content security policy allows one script and one style sheet, by their digests.
public enum HTMLReport {
  public static func text(_ report: Report) throws -> String {
    MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
    var library = MustacheLibrary()
    for (name, bytes) in templates {
      let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
      // Partials start with the library's own escaper, so each template names ours.
      try library.register("{{% CONTENT_TYPE:\(HTMLText.name)}}" + text, named: name)
    }
    guard let text = library.render(Page(Summary(report)), withTemplate: "report") else {
      throw AssessError("report.html: the template is missing")
    }
    return text + "\n"
  }

  static let templates: [(name: String, bytes: [UInt8])] = [
    ("report", PackageResources.report_mustache), ("chart", PackageResources.chart_mustache),
    ("style", PackageResources.style_mustache), ("script", PackageResources.script_mustache),
    ("evidence", PackageResources.evidence_mustache), ("swatch", PackageResources.swatch_mustache),
  ]
}

/// Escapes text for HTML, SVG and quoted attributes.
///
/// It looks at scalars, not at characters: a quotation mark with a combining accent is one character to Swift, and the end of an attribute
/// to a browser. Control characters, and those that turn or hide text, become visible.
struct HTMLText: MustacheContentType {
  static let name = "HTML-SCALARS"

  func escapeText(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      default:
        if let picture = Plain.picture(scalar) {
          result.append(contentsOf: picture.unicodeScalars)
        } else {
          result.append(scalar)
        }
      }
    }
    return String(result)
  }
}

extension Verdict {
  /// One character for narrow cells.
  var letter: String {
    switch self {
    case .contained: "C"
    case .exposed: "E"
    case .escaped: "X"
    case .notApplicable: "–"
    case .inconclusive: "?"
    }
  }

  var style: String { self == .notApplicable ? "none" : rawValue }

  var meaning: String {
    switch self {
    case .contained: "the primitive was refused, or had no effect outside"
    case .exposed: "the primitive works inside; no escape was shown with it"
    case .escaped: "something of the host or of a neighbour was touched"
    case .notApplicable: "the probe has no meaning for this subject"
    case .inconclusive: "the probe gave no answer to rely on"
    }
  }

  /// The worst first.
  static let byWeight: [Verdict] = [.escaped, .exposed, .inconclusive, .contained, .notApplicable]
}
