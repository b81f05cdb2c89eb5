"""A real JupyterLab in a real, headless Chromium, both on loopback."""

import contextlib
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import servers
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_OPTIONS = [
    "--no-sandbox",  # runs as root in CI
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # nothing but loopback has an address
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
PATIENCE = 25_000  # milliseconds that a page may take to show what a test waits for
expect.set_options(timeout=PATIENCE)
SETTINGS = {
    # every cell stays in the page, also those out of sight
    "notebook-extension/tracker": {"windowingMode": "none"},
    # no question lies over a screenshot
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextlib.contextmanager
def jupyterlab(folder: Path, root: Path, *, without: tuple[str, ...] = ()) -> Iterator[str]:
    """Run JupyterLab, without some of its extensions, on the notebooks in ``root``; give its URL."""
    page_config = folder / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps({"disabledExtensions": dict.fromkeys(without, True)}))
    for plugin, values in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        environment(folder),
        servers.running(command(port, root), ready_url=url + "/api/status", log=folder / "log"),
    ):
        try:
            yield url
        finally:
            end_kernels(url)


@contextlib.contextmanager
def environment(folder: Path) -> Iterator[None]:
    """Let children find all of Jupyter's folders in ``folder``."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    before = {name: os.environ.get(name) for name in places}
    os.environ.update({name: str(folder / place) for name, place in places.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def command(port: int, root: Path) -> list[str]:
    """Return the command line of a server that no token guards: it listens on loopback only."""
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": root,
        "ServerApp.terminals_enabled": False,
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": True,
        "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *flags]


def end_kernels(url: str) -> None:
    """Ask the server to end its kernels, which would outlive it."""
    for kernel in json.loads(servers.http("GET", url + "/api/kernels")):
        servers.http("DELETE", f"{url}/api/kernels/{kernel['id']}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def notebook(browser: Browser, url: str, name: str) -> Iterator["Notebook"]:
    """Open one notebook in a fresh window, once its kernel is idle."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        # a saved workspace would open what was open last
        page.goto(f"{url}/lab/tree/{urllib.request.quote(name)}?reset")
        opened = Notebook(page)
        opened.wait_idle()
        yield opened
    finally:
        context.close()


class Notebook:
    """The notebook that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def command(self, name: str, **arguments: object) -> None:
        """Run one of JupyterLab's commands, without waiting for its end."""
        script = "([name, given]) => { window.jupyterapp.commands.execute(name, given); return null; }"
        self.page.evaluate(script, [name, arguments])

    def run_all(self) -> None:
        """Run all cells, without waiting for their end."""
        self.command("notebook:run-all-cells")

    def wait_idle(self) -> None:
        """Wait until the notebook is loaded and its kernel has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const open = window.jupyterapp?.shell?.currentWidget?.context;
                return open?.isReady && open.sessionContext?.session?.kernel?.status === 'idle';
            }"""
        )

    def wait_run(self, timeout: float = 60) -> None:
        """Wait until every code cell has run, or one has failed, and the kernel is idle."""
        self.page.wait_for_function(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.widgets
                    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim());
                return cells.every(cell => cell.model.executionCount) || cells.some(
                    cell => cell.model.outputs.toJSON().some(output => output.output_type === 'error'));
            }""",
            timeout=timeout * 1000,
        )
        self.wait_idle()

    def save(self, *, moving: bool = False) -> None:
        """Save the notebook, and wait until it is saved; one whose outputs are moving is never for long."""
        self.page.evaluate(
            "() => window.jupyterapp.commands.execute('docmanager:save').then(() => null)",
        )
        if not moving:
            self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    def theme(self, name: str) -> None:
        """Change the theme, and wait until it is there."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            """name => document.body.dataset.jpThemeName === name
                && !document.querySelector('#jupyterlab-splash')""",
            arg=name,
        )

    def errors(self) -> list[str]:
        """Return the errors that cells ended with."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code')
                .flatMap(cell => cell.model.outputs.toJSON())
                .filter(output => output.output_type === 'error')
                .map(output => `${output.ename}: ${output.evalue}`)"""
        )
