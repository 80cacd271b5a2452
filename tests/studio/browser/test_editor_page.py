"""The editor of the page: problems with fixes, saving, drafts, and files that other programs change."""

import shutil

import pytest
from selenium.webdriver.common.keys import Keys

from archnet.spec.arch import load_arch
from archnet.spec.cost import network_cost
from command_line import ROOT
from studio_page import StudioPage, running_server

pytestmark = pytest.mark.slow

NET = """{
  "name": "net",
  "input_shape": [16, 16],
  "layers": [
    {"type": "C", "num_output": 8, "kernel_size": [3, 3]},
    {"type": "GAP"},
    {"type": "T"}
  ]
}
"""

RES2D = ROOT / "archs/res2d.json"

UNSAVED = ".file-name .unsaved"


@pytest.fixture
def net(page, folder, request):
    """A valid file of the test's own, open in the editor."""
    path = folder / f"{request.node.name}.json"
    path.write_text(NET)
    page.open_file(path.name)
    page.reads("#problems-title", "No problems")
    yield path
    page.open()


def misspell(page):
    """Turns "kernel_size" into "kernel"."""
    page.put_cursor(5, NET.splitlines()[4].index("_size") + 6)
    page.type(Keys.BACKSPACE * 5)


def test_an_error_is_underlined_as_it_is_typed_and_its_fix_applied(page, net):
    misspell(page)
    page.reads(".problems li.error", 'unknown key "kernel". Did you mean "kernel_size"?')
    assert page.until(lambda: page.text(".cm-lintRange-error")) == '"kernel"'
    assert "Outdated" in page.text(".outdated-note")
    page.press_button('Rename to "kernel_size"')
    page.reads("#problems-title", "No problems")
    page.gone(".outdated-note")
    assert page.editor_lines()[4] == NET.splitlines()[4]


def test_the_first_fix_of_a_line_has_a_shortcut(page, net):
    misspell(page)
    page.reads(".problems li.error", "unknown key")
    page.press(Keys.CONTROL, ".")
    page.reads("#problems-title", "No problems")
    assert page.editor_lines()[4] == NET.splitlines()[4]


def test_the_network_is_drawn_as_it_is_typed_with_hints_behind_its_layers(page, net):
    page.put_cursor(5, NET.splitlines()[4].index("8,") + 2)
    page.type(Keys.BACKSPACE, "5")
    parameters = 5 * (9 + 1)
    page.reads(".cm-hint", f"→ 16×16×5 · {parameters} parameters")
    page.reads(".network", "16×16×5")
    page.reads(".totals", f"{parameters + 2 * (5 + 1)}")


def test_a_click_on_a_layer_leads_to_its_text_and_the_cursor_selects_it_in_the_drawing(page, net):
    layer = page.until(lambda: page.reader.all(".layer")[1])
    page.reader.run("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", layer)
    page.until(lambda: '{"type": "GAP"}' in page.text(".cm-activeLine"))
    page.put_cursor(7, 8)
    page.until(lambda: page.text(".layer.selected").startswith("T"))


def test_a_whole_layer_is_completed(page, net):
    page.put_cursor(6, len(NET.splitlines()[5]) + 1)
    page.type(Keys.ENTER)
    page.press(Keys.CONTROL, " ")
    page.reads(".cm-tooltip-autocomplete", "P: pooling")
    page.type("P")
    page.until(lambda: "P: pooling" in page.text(".cm-tooltip-autocomplete [aria-selected]"))
    page.type(Keys.ENTER)
    page.until(lambda: page.editor_lines()[6].startswith('    {"type": "P", "pool": "max", "kernel_size": 2'))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_is_saved_exactly_as_it_is_typed(page, folder, newline):
    text = '{"name":  "odd",\n\n\t"layers":[{"type":"GAP" },  {"type":"T"}]   }'.replace("\n", newline)
    path = folder / "odd.json"
    path.write_bytes(text.encode())
    page.open_file("odd.json")
    page.put_cursor(2, 1)
    page.type(" ")
    page.see(UNSAVED)
    page.press(Keys.CONTROL, "s")
    page.gone(UNSAVED)
    assert path.read_bytes().decode() == text.replace(newline * 2, f"{newline} {newline}")


def test_an_unchanged_file_follows_the_disk(page, net):
    net.write_text(NET.replace("8", "12"))
    page.until(lambda: '"num_output": 12' in page.editor_lines()[4])
    page.reads(".notice", "has changed on disk")


def test_a_file_that_has_changed_on_the_disk_is_not_overwritten_unasked(page, net):
    page.put_cursor(2, 12)
    page.type("my")
    other = NET.replace("8", "12")
    net.write_text(other)
    page.press(Keys.CONTROL, "s")
    page.reads(".disk-change", "This file has changed on disk, and you have unsaved changes.")
    assert net.read_text() == other
    page.click(".disk-change button")
    page.reads("dialog .merge", '"num_output": 12')
    page.type(Keys.ESCAPE)
    page.gone("dialog")
    page.press_button("Keep mine")
    page.press(Keys.CONTROL, "s")
    page.until(lambda: net.read_text() == NET.replace('"net"', '"mynet"'))


@pytest.mark.long
def test_reloading_a_changed_file_discards_the_typed_text(page, net):
    page.put_cursor(2, 12)
    page.type("my")
    net.write_text(NET.replace("8", "12"))
    page.press_button("Discard mine and reload")
    page.until(lambda: '"num_output": 12' in page.editor_lines()[4])
    assert page.editor_lines()[1] == '  "name": "net",'
    assert not page.reader.all(UNSAVED)


def test_typed_text_survives_a_reload(page, net):
    page.put_cursor(2, 12)
    page.type("my")
    page.see(UNSAVED)
    page.driver.refresh()
    page.until(lambda: page.editor_lines()[1] == '  "name": "mynet",')
    page.see(UNSAVED)
    page.reads(".file[aria-current]", "unsaved")
    assert net.read_text() == NET


@pytest.mark.long
def test_typed_text_survives_the_end_of_the_server_and_the_page_tells_how_to_start_it(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "net.json").write_text(NET)
    with running_server(project) as server:
        page = StudioPage(reader, server).open_file("net.json")
        page.put_cursor(2, 12)
        page.type("my")
        page.until(lambda: list((tmp_path / "state").rglob("*.json")))
    page.reads(
        "[role=alert]", f"The server has stopped. Start it again with archnet studio {project} --port {server.port}"
    )
    with running_server(project) as server:
        page = StudioPage(reader, server).open_file("net.json")
        assert page.editor_lines()[1] == '  "name": "mynet",'


@pytest.mark.long
def test_a_page_of_an_earlier_start_asks_for_the_new_address(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with running_server(tmp_path) as server:
        page = StudioPage(reader, server).open()
    page.reads("[role=alert]", "The server has stopped.")
    with running_server(tmp_path, server.port):
        page.reads("[role=alert]", "The token in the address is invalid.")


@pytest.mark.parametrize("template", ["A small 2D network", "A small 3D network", "An experiment", "A sweep"])
def test_the_templates_of_new_files_are_valid(page, folder, template):
    page.open()
    page.press(Keys.ALT, "n")
    page.see("dialog")
    page.type(f"new/{template.replace(' ', '_')}")
    page.reader.run(
        "[...document.querySelectorAll('dialog label')].find(one => one.textContent === arguments[0]).click()", template
    )
    page.press_button("Create")
    page.reads("#problems-title", "No problems")
    page.press(Keys.CONTROL, "s")
    page.until(lambda: (folder / f"new/{template.replace(' ', '_')}.json").exists())


@pytest.mark.long
def test_a_shipped_file_cannot_be_changed_but_copied(page, folder):
    page.open_file("shipped:archsm")
    page.reads(UNSAVED, "read-only")
    page.press_button("Save as…")
    page.press_button("Create")
    path = page.until(lambda: next(folder.glob("archsm*.json")))
    assert path.read_text() == (ROOT / "archs/archsm.json").read_text()


def test_a_network_is_next_to_its_twin(page, folder):
    shutil.copy(RES2D, folder)
    page.open("compare/res2d.json")
    page.reads(".comparison", f"{network_cost(load_arch(RES2D).plan()).num_parameters:,}")
    page.reads(".comparison", "64×64×16×1")
    assert len(page.reader.all(".compare-side .network")) == 2
    page.press_button("Save twin as…")
    page.press_button("Create")
    page.until(lambda: load_arch(folder / "res2d_3d.json").rank == 3)


def test_a_3d_network_is_next_to_its_2d_twin_first(page, folder):
    shutil.copy(ROOT / "archs/res3d.json", folder)
    page.open("compare/res3d.json")
    page.reads(".compare-side", "The 2D twin")
    assert not page.reader.all("[role=alert]")


def test_a_completed_entry_and_the_comma_before_it_are_one_step(page, net):
    lines = NET.splitlines()
    page.put_cursor(3, len(lines[2]) + 1)
    page.type(Keys.BACKSPACE, Keys.ENTER)
    without_comma = page.editor_lines()
    page.press(Keys.CONTROL, " ")
    page.reads(".cm-tooltip-autocomplete", "description")
    page.type("descr")
    page.until(lambda: "description" in page.text(".cm-tooltip-autocomplete [aria-selected]"))
    page.type(Keys.ENTER)
    page.until(lambda: page.editor_lines()[2:4] == [lines[2], '  "description": "",'])
    page.press(Keys.CONTROL, "z")
    page.until(lambda: page.editor_lines()[2] == without_comma[2])


def test_no_style_or_script_of_the_page_is_refused_by_its_own_policy(page, net):
    page.reader.run(
        "window.refused = []; addEventListener('securitypolicyviolation', one => refused.push(one.blockedURI))"
    )
    page.put_cursor(2, 12)
    page.type("my")
    page.press(Keys.CONTROL, " ")
    page.reads(".unsaved", "unsaved")
    assert page.reader.run("return getComputedStyle(document.querySelector('.cm-scroller')).display") == "flex"
    assert page.reader.run("return getComputedStyle(document.querySelector('.cm-line')).getPropertyValue('--indent')")
    assert page.reader.run("return refused") == []


def test_what_is_typed_after_a_save_is_saved_by_the_next_one(page, net):
    page.put_cursor(2, 12)
    page.type("a")
    page.press(Keys.CONTROL, "s")
    page.type("b")
    page.press(Keys.CONTROL, "s")
    page.type("c")
    page.press(Keys.CONTROL, "s")
    page.until(lambda: net.read_text() == NET.replace('"net"', '"abcnet"'))
    page.gone(UNSAVED)
    assert not page.reader.all(".disk-change")


@pytest.mark.parametrize("name", ["<img src=x onerror=hacked=1>", "100% #1?a&b", 'it\'s "quoted" \n é\U0001f600'])
def test_any_file_name_is_opened_from_the_list_saved_and_compared_as_text(page, folder, name):
    path = folder / f"{name}.json"
    markup = "<img src=x onerror=hacked=1>"
    path.write_text(
        NET.replace('"net",', f'"net", "description": "{markup}",').replace("[3, 3]}", f'[3, 3], "name": "{markup}"}}')
    )
    page.open()
    page.reader.run("arguments[0].click()", page.until(lambda: _entry(page, name)))
    page.until(lambda: page.editor_lines()[0] == "{")
    page.put_cursor(2, 12)
    page.type("my")
    page.press(Keys.CONTROL, "s")
    page.until(lambda: '"mynet"' in path.read_text())
    page.driver.refresh()
    page.until(lambda: '"mynet"' in page.editor_lines()[1])
    page.press_button("Compare")
    page.see(".compare")
    assert page.reader.run("return window.hacked") is None
    assert not page.reader.all("img[src=x]")
    path.unlink()


def test_an_address_with_a_stray_percent_sign_opens_the_page(page, folder):
    (folder / "100%.json").write_text(NET)
    page.open("edit/100%.json")
    page.until(lambda: page.editor_lines()[1] == '  "name": "net",')


def _entry(page, name):
    return next(one for one in page.reader.all(".file") if one.get_attribute("textContent").startswith(name))
