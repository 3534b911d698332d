"""The reports of rcontainer assess, as a browser and as readers of JSON see them."""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import ROOT  # noqa: E402

BUILD = ROOT / "build/swiftpm-assess-tests"
CHROMIUM = shutil.which("chromium")
LIGHT, DARK = 1, 0

# Runs in a page around the report, and writes what it finds into its own title. The report's own policy would not let it in.
AROUND = """<!DOCTYPE html><meta charset="utf-8"><title>waiting</title>
<iframe id="frame" src="%(page)s" style="border:0;width:%(width)dpx;height:900px"></iframe>
<script>
document.getElementById("frame").addEventListener("load", function () {
  var frame = document.getElementById("frame"), page = frame.contentDocument, view = frame.contentWindow;
  Promise.resolve((function () { %(script)s }())).then(function (found) {
    document.title = "found:" + btoa(unescape(encodeURIComponent(JSON.stringify(found))));
  });
});
</script>"""

# Texts of charts that lie over one another, or outside of their chart.
TEXTS = """
  var wrong = [];
  page.querySelectorAll("svg.chart").forEach(function (svg) {
    if (view.getComputedStyle(svg).display === "none") { return; }
    var frame = svg.getBoundingClientRect();
    var boxes = Array.prototype.map.call(svg.querySelectorAll("text"), function (text) {
      return { text: text.textContent, box: text.getBoundingClientRect() };
    });
    boxes.forEach(function (one, index) {
      if (one.box.left < frame.left - 1 || one.box.right > frame.right + 1 || one.box.bottom > frame.bottom + 1) {
        wrong.push(svg.querySelector("title").textContent + ": outside: " + one.text);
      }
      boxes.slice(index + 1).forEach(function (other) {
        var wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        var high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (wide > 1 && high > 3) { wrong.push(svg.querySelector("title").textContent + ": " + one.text + " | " + other.text); }
      });
    });
  });
"""


def build():
    subprocess.run(
        ["swift", "build", "--quiet", "--package-path", "Assess", "--scratch-path", BUILD], cwd=ROOT, check=True, timeout=1800)


def setUpModule():
    global REPORTS
    build()
    REPORTS = pathlib.Path(tempfile.mkdtemp(prefix="assess-report-"))
    unittest.addModuleCleanup(shutil.rmtree, REPORTS)
    for name in ("whole", "small", "partial"):
        (REPORTS / f"{name}.json").write_bytes(
            subprocess.run([BUILD / "debug/assess-sample", name], stdout=subprocess.PIPE, check=True, timeout=60).stdout)
        render(REPORTS / f"{name}.json", REPORTS / name, check=True)


def render(report, out, check=False):
    return subprocess.run([BUILD / "debug/rcontainer-assess", "render", report, "--out", out],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=check)


class Render(unittest.TestCase):
    def test_a_report_comes_back_as_it_was(self):
        for name in ("whole", "small", "partial"):
            self.assertEqual((REPORTS / name / "report.json").read_text(), (REPORTS / f"{name}.json").read_text())
            self.assertEqual(sorted(p.name for p in (REPORTS / name).iterdir()),
                             ["report.html", "report.json", "report.md", "report.sarif"])

    def test_what_is_no_report_is_refused_in_one_line(self):
        for text, words in (("{}", "no member"), ("nonsense", "no JSON document"), ('{"schema": "x/9"}', 'schema "x/9"')):
            bad = REPORTS / "bad.json"
            bad.write_text(text)
            done = render(bad, REPORTS / "bad")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertFalse((REPORTS / "bad" / "report.html").exists())


class Agreement(unittest.TestCase):
    """scripts/compare-assessments."""

    def compared(self, change):
        first = REPORTS / "whole.json"
        report = json.loads(first.read_text())
        change(report)
        second = REPORTS / "second.json"
        second.write_text(json.dumps(report))
        done = subprocess.run([ROOT / "scripts/compare-assessments", first, second], stdout=subprocess.PIPE, text=True, timeout=60)
        return done.returncode, done.stdout

    def test_a_report_agrees_with_itself(self):
        status, text = self.compared(lambda report: None)
        self.assertEqual(status, 0, text)
        self.assertNotIn(": 0 of 0", text)

    def test_what_is_no_report_is_refused_in_one_line(self):
        bad = REPORTS / "no-report.json"
        for text in ("{}", "[]", "nonsense"):
            bad.write_text(text)
            for path in (bad, REPORTS / "nothing"):
                done = subprocess.run([ROOT / "scripts/compare-assessments", REPORTS / "whole.json", path],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)

    def test_what_differs_is_told(self):
        def verdict(report):
            report["findings"][0]["verdict"] = "escaped"

        def count(report):
            report["surface"][0]["counts"][0]["value"] += 1

        def cost(report):
            one = next(m for m in report["performance"]["results"] if m.get("cost"))
            one["cost"] = {key: 3 * value for key, value in one["cost"].items()}

        for change, words in ((verdict, "verdicts: "), (count, "counts of the surface: "), (cost, "cost: ")):
            status, text = self.compared(change)
            self.assertEqual(status, 1, text)
            self.assertTrue(text.splitlines()[-1].startswith(words), text)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            import jsonschema
        except ImportError:
            raise unittest.SkipTest("python3-jsonschema is not installed")
        schema = json.loads((ROOT / "docs/assessment.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def test_reports_have_the_published_shape(self):
        for name in ("whole", "small", "partial"):
            report = json.loads((REPORTS / name / "report.json").read_text())
            self.assertEqual([error.message for error in self.validator.iter_errors(report)], [])

    def test_the_schema_finds_mistakes(self):
        def change(report, path, value):
            for key in path[:-1]:
                report = report[key]
            report[path[-1]] = value

        for path, value in ((("findings", 0, "verdict"), "fine"), (("schema",), "rcontainer-assessment/2"), (("started",), "today"),
                            (("subjects", 0, "state"), {"failed": {}}), (("machine", "memory"), "much"), (("extra",), 1),
                            (("performance", "results", 0, "median"), {"value": 1}), (("surface", 0, "counts", 0, "value"), -1)):
            report = json.loads((REPORTS / "whole" / "report.json").read_text())
            change(report, path, value)
            self.assertFalse(self.validator.is_valid(report), path)


class Sarif(unittest.TestCase):
    """The parts of SARIF 2.1.0 that readers rely on: sections 3.13 to 3.58."""

    def test_shape(self):
        log = json.loads((REPORTS / "whole" / "report.sarif").read_text())
        self.assertEqual(log["version"], "2.1.0")
        self.assertTrue(log["$schema"].endswith("sarif-schema-2.1.0.json"))
        [run] = log["runs"]
        rules, locations = run["tool"]["driver"]["rules"], run["logicalLocations"]
        self.assertEqual(len({rule["id"] for rule in rules}), len(rules))
        for rule in rules:
            for text in (rule["shortDescription"]["text"], rule["fullDescription"]["text"], rule["help"]["text"], rule["help"]["markdown"]):
                self.assertTrue(text)
            self.assertIn(rule["defaultConfiguration"]["level"], ("none", "note", "warning", "error"))
            self.assertEqual(len(set(rule["properties"]["tags"])), len(rule["properties"]["tags"]))
        self.assertTrue(run["results"])
        for result in run["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            self.assertIn(result["level"], ("warning", "error"))
            self.assertEqual(result["kind"], "fail")
            self.assertTrue(all(isinstance(value, str) for value in result["partialFingerprints"].values()))
            [location] = result["locations"]
            for place in location["logicalLocations"]:
                self.assertEqual(locations[place["index"]]["fullyQualifiedName"], place["fullyQualifiedName"])
        [invocation] = run["invocations"]
        self.assertIs(invocation["executionSuccessful"], True)
        for time in ("startTimeUtc", "endTimeUtc"):
            self.assertRegex(invocation[time], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for notification in invocation["toolExecutionNotifications"]:
            self.assertIn(notification["level"], ("warning", "error"))

    def test_partial_runs_say_so(self):
        [run] = json.loads((REPORTS / "partial" / "report.sarif").read_text())["runs"]
        self.assertIs(run["invocations"][0]["executionSuccessful"], False)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not CHROMIUM:
            raise unittest.SkipTest("chromium is not installed")

    def chromium(self, address, *options):
        """The document's final state, messages of the console, and addresses that were asked for."""
        with tempfile.TemporaryDirectory() as profile:
            log = pathlib.Path(profile) / "net.json"
            done = subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                 "--enable-logging=stderr", f"--log-net-log={log}", "--virtual-time-budget=5000", "--allow-file-access-from-files",
                 "--host-resolver-rules=MAP * ~NOTFOUND", *options, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
            # What Chromium asks for itself has no page as its initiator.
            asked = {url for line in log.read_text().splitlines() if '"initiator":"' in line and '"initiator":"not an origin"' not in line
                     for url in re.findall(r'"url":"((?:https?|wss?|ftp):[^"]*)"', line)}
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, console, asked

    def around(self, name, script, width=1400, options=(), fragment=""):
        page = REPORTS / f"around-{name}.html"
        page.write_text(AROUND % {"page": f"{name}/report.html{fragment}", "width": width, "script": script})
        document, console, asked = self.chromium(page.as_uri(), "--dump-dom", "--window-size=1500,1000", *options)
        self.assertEqual((console, asked), ([], set()))
        found = re.search(r"<title>found:([^<]*)</title>", document)
        self.assertTrue(found, document[:2000])
        return json.loads(base64.b64decode(found.group(1)))

    def test_the_policy_names_the_script_and_the_style_sheet(self):
        text = (REPORTS / "whole" / "report.html").read_text()
        for tag in ("style", "script"):
            [content] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", text, f"Page.digests.{tag} has to be sha256-{digest}")

    def test_nothing_is_asked_for_and_nothing_goes_wrong(self):
        for name in ("whole", "small", "partial"):
            document, console, asked = self.chromium((REPORTS / name / "report.html").as_uri(), "--dump-dom")
            self.assertEqual((console, asked), ([], set()))
            self.assertIn("<title>RContainer assessment, 2026-11-21</title>", document)
            # The button is shown by the script, so the policy let it run.
            self.assertRegex(document, r'<button type="button" id="theme">')
            self.assertEqual(len(re.findall(r"<(?:script|iframe|img|object|link)\b", document)), 1)

    def test_requests_and_errors_would_be_seen(self):
        text = (REPORTS / "whole" / "report.html").read_text()
        page = REPORTS / "asks.html"
        page.write_text(text.replace("default-src 'none'", "default-src 'none'; img-src *").replace(
            "<h1>", '<img src="http://127.0.0.1:9/x.png"><h1>'))
        self.assertEqual(self.chromium(page.as_uri(), "--dump-dom")[2], {"http://127.0.0.1:9/x.png"})
        page.write_text(text.replace("<h1>", '<script>document.title = "owned"</script><img src=x onerror="document.title=1"><h1>'))
        document, console, asked = self.chromium(page.as_uri(), "--dump-dom")
        self.assertTrue(any("Content Security Policy" in line for line in console), console)
        self.assertIn("<title>RContainer assessment, 2026-11-21</title>", document)

    def test_charts_are_readable_on_a_desk_and_on_a_phone(self):
        for width, shown in ((1400, "wide"), (390, "narrow")):
            found = self.around("whole", TEXTS + """
              return { wrong: wrong, over: page.documentElement.scrollWidth - view.innerWidth,
                shown: Array.prototype.filter.call(page.querySelectorAll("svg.wide, svg.narrow"), function (svg) {
                  return view.getComputedStyle(svg).display !== "none"; }).map(function (svg) { return svg.classList[1]; }) };""", width)
            self.assertEqual(found["wrong"], [], f"{width} wide")
            self.assertLessEqual(found["over"], 0, f"the page is too wide for {width}")
            self.assertEqual(set(found["shown"]), {shown})
            self.assertEqual(len(found["shown"]), 7)

    def test_light_and_dark(self):
        script = """
          var colours = function () { var style = view.getComputedStyle(page.body); return [style.backgroundColor, style.color]; };
          var before = colours(); page.getElementById("theme").click();
          return [before, colours(), page.getElementById("theme").textContent];"""
        light = [["rgb(255, 255, 255)", "rgb(27, 29, 33)"], ["rgb(21, 24, 28)", "rgb(232, 234, 237)"]]
        found = self.around("whole", script, options=[f"--blink-settings=preferredColorScheme={LIGHT}"])
        self.assertEqual(found, [*light, "Light"])
        found = self.around("whole", script, options=[f"--blink-settings=preferredColorScheme={DARK}"])
        self.assertEqual(found, [*reversed(light), "Dark"])

    def test_the_matrix_by_keyboard(self):
        found = self.around("whole", """
          var press = function (key) {
            page.activeElement.dispatchEvent(new view.KeyboardEvent("keydown", { key: key, bubbles: true, cancelable: true }));
            return page.activeElement.getAttribute("aria-label");
          };
          var stops = page.querySelectorAll("#matrix-table td a[tabindex='0']");
          stops[0].focus();
          return { stops: stops.length, right: press("ArrowRight"), down: press("ArrowDown"), end: press("End"), left: press("Home"),
            now: page.querySelectorAll("#matrix-table td a[tabindex='0']").length, named: page.querySelectorAll("#matrix-table td a:not([aria-label])").length };""")
        self.assertEqual(found, {
            "stops": 1, "now": 1, "named": 0, "right": "Probe number 0, runc/docker: contained",
            "down": "Probe number 1, runc/docker: contained", "end": "Probe number 1, podman:crun/rootless: contained",
            "left": "Probe number 1, runc/bare: contained"})

    def test_a_link_to_evidence_opens_it(self):
        state = """var finding = page.getElementById("e1-0");
          var state = function () { return [finding.open, finding.parentElement.open, finding.querySelector("pre").textContent]; };"""
        output = "open: Operation not permitted\n"
        self.assertEqual(self.around("whole", state + "return state();"), [False, False, output])
        self.assertEqual(self.around("whole", state + "return state();", fragment="#e1-0"), [True, True, output])
        found = self.around("whole", state + """
          page.querySelector('#matrix-table a[href="#e1-0"]').click();
          return new Promise(function (done) { view.addEventListener("hashchange", function () { setTimeout(function () {
            done([state(), page.activeElement === finding.querySelector("summary")]); }, 50); }); });""")
        self.assertEqual(found, [[True, True, output], True])

    def test_probes_that_all_contain_can_be_hidden(self):
        found = self.around("whole", """
          var rows = function () { return Array.prototype.filter.call(page.querySelectorAll("tr.probe"), function (row) {
            return view.getComputedStyle(row).display !== "none"; }).length; };
          var before = rows(); page.getElementById("telling").click(); return [before, rows()];""")
        self.assertEqual(found[0], 80)
        self.assertTrue(0 < found[1] < 80, found)

    def test_it_can_be_drawn(self):
        for width, height, scheme in ((1400, 2000, LIGHT), (1400, 2000, DARK), (390, 844, LIGHT)):
            picture = REPORTS / "picture.png"
            self.chromium((REPORTS / "whole" / "report.html").as_uri(), f"--screenshot={picture}",
                          f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}")
            data = picture.read_bytes()
            self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(struct.unpack(">II", data[16:24]), (width, height))
            # An empty page of this size has some thousand bytes.
            self.assertGreater(len(data), 20_000)
            picture.unlink()


if __name__ == "__main__":
    unittest.main()
