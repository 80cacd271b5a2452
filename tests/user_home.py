"""A home folder with everything that archnet keeps outside run folders, and data of the user beside it."""

from archnet.data.store import open_crops
from archnet.data.user_files.user_files import list_user_files
from archnet.fetching.fetched_parts import record_part
from archnet.phantom.layouts import Phantom, generate_phantom
from stored_scans import recipe


def use_home(home, monkeypatch):
    """Make a folder the home of the user in which archnet keeps its files, wherever this system keeps them."""
    for variable in ("ARCHNET_DATA", "ARCHNET_STORE", "MPLCONFIGDIR", "KERAS_HOME", "CUDA_CACHE_PATH"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(home / variable))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("RAY_TMPDIR", str(home / "ray_files"))


def fill_home(home):
    """Write one file of each kind below a home folder, and files of the user that must survive."""
    data = home / "XDG_DATA_HOME/archnet"
    open_crops(recipe(home / "scans"))
    write(data / "store/copies/0123456789abcdef.json", "{}")
    generate_phantom(data / "phantom/0123456789ab", Phantom(num_scans=1, num_candidates=5))
    write(data / "phantom/.archnet-01234567-fedcba987654/subset0/scan.mhd")
    write(data / "phantom/mine/scan.mhd")
    for name in ("CT-0", "CT-23"):
        write(data / f"mosmed/{name}/scan.nii")
    record_part(data / "mosmed", "CT-0")
    write(data / "mosmed/CT-0.zip.sha256")
    write(data / "luna16/.fetch/subset0.zip.part")
    write(home / "XDG_STATE_HOME/archnet/log/last_error.txt")
    write(home / ".bash_completions/archnet.sh", "_ARCHNET_COMPLETE=complete_bash")
    write(home / ".bash_completions/other.sh", "_OTHER_COMPLETE=complete_bash")
    write(home / ".bashrc", f"first\n\nsource '{home}/.bash_completions/archnet.sh'\nlast\n")
    write(home / "XDG_CACHE_HOME/matplotlib/fontlist.json", "fonts")
    write(home / "runs/net/metrics.json")


def write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def stored():
    """The folder of the only crop store."""
    (store,) = list_user_files().stores
    return store.folder


def listed(home):
    """The kind and path of each file, relative to the home folder."""
    found = list_user_files()
    stores = [("store", store.folder) for store in found.stores]
    pairs = [*stores, *((file.kind, file.path) for file in found.files)]
    return [(kind, path.relative_to(home).as_posix()) for kind, path in pairs]


def files_below(home):
    """All files and links below a folder."""
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_symlink() or not path.is_dir()}
