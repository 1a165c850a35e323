"""The datasets of an HDF5 file that nobody trusts: all inside the file, none read yet.

HDF5 can point elsewhere: by soft and external links, by external storage and by virtual
datasets; and a chunk can unpack to gigabytes. None of it is followed or unpacked.
"""

import h5py

from scoring.engines.given_file import shown

MOST_ITEMS = 1_000  # the largest published file has 130 datasets
DEEPEST = 8  # groups in one another; the published files have 3


class H5Fault(ValueError):
    """The part of a sentence that says what is strange about a file, by the item's name."""


def datasets_of(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return path to dataset, of all that the file's groups hold.

    Raises H5Fault for a link, for an item that is neither group nor dataset, for groups too
    deep (a group may hold itself) and for too many items.
    """
    found: dict[str, h5py.Dataset] = {}
    groups: list[tuple[str, h5py.Group]] = [("", file)]
    items = 0
    while groups:
        prefix, group = groups.pop()
        for name in group:
            items += 1
            path = f"{prefix}{name}"
            item = _item(group, name, path)
            if isinstance(item, h5py.Dataset):
                found[path] = item
            elif path.count("/") >= DEEPEST:
                raise H5Fault(f"has too many groups in one another at {shown(path)}")
            else:
                groups.append((f"{path}/", item))
            if items > MOST_ITEMS:
                raise H5Fault(f"has more than {MOST_ITEMS} items, at {shown(path)}")
    return found


def _item(group: h5py.Group, name: str, path: str) -> h5py.Group | h5py.Dataset:
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise H5Fault(f"has a link in place of a dataset at {shown(path)}")
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise H5Fault(f"has something that is no dataset at {shown(path)}")
    return item


def storage_fault(dataset: h5py.Dataset) -> str:
    """Say why a dataset's values may not be read, or nothing if they lie plainly in the file."""
    if dataset.is_virtual or dataset.external:
        return "takes from another file the values of"
    if dataset.chunks is not None:
        return "holds in chunks, which the published files do not,"
    if dataset.id.get_storage_size() < dataset.nbytes:
        return "holds no values in"
    return ""
