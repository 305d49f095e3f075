"""Takes the examples out of the documentation, so that they are compiled and run as they stand there.

    extract.py OUTPUT_FOLDER FILE=COUNT...

For the n-th example of FILE (README.md, cache.h...) it writes OUTPUT_FOLDER/<name>_<n>.inc: in Markdown what stands
between ```cpp and ```, in a header's comment the lines that are indented by three spaces and have an empty comment line
before them. #include lines go to <name>_<n>_includes.inc, since the rest is compiled inside a function, unless the
example has a main() of its own. That there are COUNT of them is checked, so that a new example is not left out.
"""

import pathlib
import re
import sys


def of_markdown(lines):
    examples, current = [], None
    for line in lines:
        if current is None and line.strip() == "```cpp":
            current = []
        elif current is not None and line.strip() == "```":
            examples.append(current)
            current = None
        elif current is not None:
            current.append(line)
    return examples


def of_header(lines):
    examples, current, before = [], None, ""
    for line in lines:
        match = re.match(r"\s*(?://|/?\*)(.*)$", line)
        text = match[1] if match else None
        if text is not None and re.match(r"   \S", text) and (current is not None or before == ""):
            if current is None:
                current = []
                examples.append(current)
            current.append(text[3:])
        elif text is not None and current is not None and re.match(r"    ", text):
            current.append(text[3:])
        elif text == "" and current is not None and current[-1] != "":
            current.append("")  # the example may go on after it
        else:
            current = None
        before = text
    # Prose that is indented too is no example: there every line would have to be code.
    return [e for e in examples if any(re.search(r"[;{]\s*(//.*)?$", line) for line in e)]


def main():
    output = pathlib.Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    for argument in sys.argv[2:]:
        name, count = argument.rsplit("=", 1)
        path = pathlib.Path(name)
        lines = path.read_text(encoding="utf-8").split("\n")
        examples = of_markdown(lines) if path.suffix == ".md" else of_header(lines)
        if len(examples) != int(count):
            sys.exit(f"{path.name} has {len(examples)} examples and not {count}: tests/examples/documented lists them")
        for n, example in enumerate(examples, 1):
            folder = "proto_" if path.parent.name == "proto" else ""
            stem = f"{folder}{path.stem.lower()}_{n}"
            whole = any("main()" in line for line in example)
            includes = [line for line in example if line.startswith("#include") and not whole]
            rest = [line for line in example if line not in includes]
            (output / f"{stem}_includes.inc").write_text("\n".join(includes) + "\n")
            (output / f"{stem}.inc").write_text("\n".join(rest) + "\n")


main()
