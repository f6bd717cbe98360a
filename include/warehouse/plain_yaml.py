"""YAML as people write it by hand: rule sets and feed contracts, read as they are written, with errors in words."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from include.warehouse.errors import InputError


def read_yaml(path: Path) -> object:
    """The content of a file: texts, nulls, lists and mappings. Raises InputError naming the file, the place and why."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path} cannot be read: line {line} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        where = f"line {place.line + 1}, column {place.column + 1}: " if place else ""
        why = " ".join(f"{error.problem or error}".split())
        if not isinstance(error, yaml.constructor.ConstructorError):
            why += "; indent with spaces, and put a value with special characters into quotes"
        raise InputError(f"{path} cannot be read as YAML: {where}{why}") from error
    # the reader's escapes and version numbers raise ValueError and OverflowError where they are impossible
    except (ValueError, OverflowError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InputError(f"{path} cannot be read as YAML: it is nested too deeply") from error


class _PlainLoader(yaml.SafeLoader):
    """YAML that leaves values as they are written, and refuses a key written twice: the last would silently win."""

    # nothing else is in such a file; some other tags (!!int x) raise what is no error of YAML
    yaml_constructors = {  # noqa: RUF012
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.endswith((":null", ":str", ":seq", ":map"))
    }
    # YAML 1.1 reads 012 as 10, 1:12 as 72 and yes as true; here the field says what its value is
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in found if tag.endswith((":null", ":merge"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        # what is tagged as a mapping and is none, the reader refuses by itself
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        keys = [key.value for key, _ in pairs]
        for key, _ in pairs:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is written twice; keep one", key.start_mark
                )
        return super().construct_mapping(node, deep)
