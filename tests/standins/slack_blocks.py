"""What Block Kit takes: each fault of blocks and views as Slack says it, with a pointer to where it is.

Only kinds that an app for people who read and press buttons has are known; all others are refused.
"""

import json
import re

BLOCKS_PER_MESSAGE, BLOCKS_PER_VIEW = 50, 100
MARKDOWN_CHARACTERS = 12_000
# Slack documents no limit of all blocks together. Users report msg_blocks_too_long from 13,300 characters of plain
# text on, and from 11,300 in rich text, where each element adds to it: it is counted here as JSON. The cells of tables,
# which have a documented limit of their own, count as their text alone.
CHARACTERS_PER_MESSAGE = 13_000
STYLES = {"bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink"}


class Faults(list):
    """Lines as Slack has them in ``errors``: what is wrong, and a JSON pointer."""

    def add(self, pointer, text):
        """Notes a fault."""
        self.append(f"{text} [json-pointer:{pointer}]")

    def keys(self, each, pointer, required, optional=()):
        """Whether it is an object with all that it needs; keys that nobody knows are faults too."""
        if not isinstance(each, dict):
            self.add(pointer, "must be an object")
            return False
        for key in sorted(set(each) - {*required, *optional}):
            self.add(pointer, f"invalid additional property: {key}")
        missing = [key for key in required if each.get(key) is None]
        for key in missing:
            self.add(pointer, f"missing required field: {key}")
        return not missing

    def string(self, text, pointer, most, least=1):
        """Whether it is a string with so many characters."""
        if not isinstance(text, str):
            self.add(pointer, "must be a string")
        elif units(text) > most:
            self.add(pointer, f"must be less than {most + 1} characters")
        elif len(text) < least:
            self.add(pointer, f"must be more than {least - 1} characters")
        else:
            return True
        return False

    def optional(self, each, pointer, **most):
        """Checks those of these strings that the object has."""
        for key, limit in most.items():
            if each.get(key) is not None:
                self.string(each[key], f"{pointer}/{key}", limit)

    def flags(self, each, pointer, *keys):
        """Checks that those of these values that the object has are true or false."""
        for key in keys:
            if key in each and not isinstance(each[key], bool):
                self.add(f"{pointer}/{key}", "must be a boolean")

    def one_of(self, value, pointer, values):
        """Whether it is one of these values."""
        if value not in values:
            self.add(pointer, f"must be one of: {', '.join(sorted(values))}")
            return False
        return True

    def items(self, each, pointer, most, least=1):
        """The (item, its pointer) of a list with so many items; of anything else, none."""
        if not isinstance(each, list):
            self.add(pointer, "must be an array")
            return []
        if len(each) > most:
            self.add(pointer, f"no more than {most} items allowed")
        if len(each) < least:
            self.add(pointer, f"no fewer than {least} items allowed")
        return [(item, f"{pointer}/{number}") for number, item in enumerate(each)]

    def text(self, each, pointer, most, kinds=("plain_text",)):
        """Checks a text object."""
        if not self.keys(each, pointer, ("type", "text"), ("emoji", "verbatim")):
            return
        if self.one_of(each["type"], f"{pointer}/type", kinds):
            flag = "verbatim" if each["type"] == "plain_text" else "emoji"
            if flag in each:
                self.add(pointer, f"invalid additional property: {flag}")
        self.flags(each, pointer, "emoji", "verbatim")
        self.string(each["text"], f"{pointer}/text", most)


ANY_TEXT = ("plain_text", "mrkdwn")


def faults_of_message(blocks):
    """The Faults of a message's blocks."""
    faults = Faults()
    _blocks(faults, blocks, "/blocks", BLOCKS_PER_MESSAGE, MESSAGE_BLOCKS)
    markdown = sum(units(str(each.get("text"))) for each in of_type(blocks, "markdown"))
    if markdown > MARKDOWN_CHARACTERS:
        faults.add("/blocks", f"markdown blocks must be less than {MARKDOWN_CHARACTERS + 1} characters together")
    return faults


def faults_of_view(view):
    """The Faults of a modal."""
    faults = Faults()
    optional = ("submit", "close", "private_metadata", "callback_id", "clear_on_close", "notify_on_close",
                "external_id", "submit_disabled")  # fmt: skip
    if not faults.keys(view, "/view", ("type", "title", "blocks"), optional):
        return faults
    faults.one_of(view["type"], "/view/type", {"modal"})
    for key in ("title", "submit", "close"):
        if view.get(key) is not None:
            faults.text(view[key], f"/view/{key}", 24)
    faults.optional(view, "/view", private_metadata=3000, callback_id=255, external_id=255)
    faults.flags(view, "/view", "clear_on_close", "notify_on_close", "submit_disabled")
    _blocks(faults, view["blocks"], "/view/blocks", BLOCKS_PER_VIEW, VIEW_BLOCKS)
    if of_type(view["blocks"], "input") and not view.get("submit"):
        faults.add("/view", "missing required field: submit")
    return faults


def of_type(blocks, kind):
    """Those of the blocks that are of this type."""
    return [each for each in blocks if isinstance(each, dict) and each.get("type") == kind]


def units(text):
    """How long a text is in units of UTF-16, which is at least as long as it is in characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def size(blocks):
    """How much blocks have of CHARACTERS_PER_MESSAGE."""
    tables = of_type(blocks, "table")
    others = [each for each in blocks if each not in tables]
    return units(json.dumps(others, ensure_ascii=False, separators=(",", ":"))) + characters(tables)


def characters(part):
    """How many characters of text blocks have, all together."""
    if isinstance(part, list):
        return sum(characters(each) for each in part)
    if isinstance(part, dict):
        own = sum(units(part[key]) for key in ("text", "alt_text", "fallback") if isinstance(part.get(key), str))
        return own + sum(characters(each) for each in part.values() if isinstance(each, (dict, list)))
    return 0


def _blocks(faults, blocks, pointer, most, known):
    seen = set()
    tables = 0
    for block, at in faults.items(blocks, pointer, most, least=0):
        if not isinstance(block, dict):
            faults.add(at, "must be an object")
            continue
        kind = block.get("type")
        if kind not in known:
            faults.add(f"{at}/type", f"unsupported type: {kind}")
            continue
        name = block.get("block_id")
        if name is not None and faults.string(name, f"{at}/block_id", 255):
            if name in seen:
                faults.add(f"{at}/block_id", f"`block_id` already exists: {name}")
            seen.add(name)
        tables += kind == "table"
        known[kind](faults, {key: value for key, value in block.items() if key not in ("type", "block_id")}, at)
    if tables > 1:
        faults.add(pointer, "only_one_table_allowed")


def _section(faults, block, at):
    faults.keys(block, at, (), ("text", "fields", "accessory", "expand"))
    if block.get("text") is None and block.get("fields") is None:
        faults.add(at, "missing required field: text or fields")
    if block.get("text") is not None:
        faults.text(block["text"], f"{at}/text", 3000, ANY_TEXT)
    if block.get("fields") is not None:
        for each, pointer in faults.items(block["fields"], f"{at}/fields", 10):
            faults.text(each, pointer, 2000, ANY_TEXT)
    if block.get("accessory") is not None:
        _element(faults, block["accessory"], f"{at}/accessory", {"button": _button, "image": _image_element})


def _header(faults, block, at):
    if faults.keys(block, at, ("text",)):
        faults.text(block["text"], f"{at}/text", 150)


def _divider(faults, block, at):
    faults.keys(block, at, ())


def _markdown(faults, block, at):
    if faults.keys(block, at, ("text",)):
        faults.string(block["text"], f"{at}/text", MARKDOWN_CHARACTERS)


def _image(faults, block, at):
    _image_element(faults, {key: value for key, value in block.items() if key != "title"}, at)
    if block.get("title") is not None:
        faults.text(block["title"], f"{at}/title", 2000)


def _image_element(faults, element, at):
    if faults.keys(element, at, ("image_url", "alt_text")):
        faults.optional(element, at, image_url=3000, alt_text=2000)


def _context(faults, block, at):
    if not faults.keys(block, at, ("elements",)):
        return
    for each, pointer in faults.items(block["elements"], f"{at}/elements", 10):
        if isinstance(each, dict) and each.get("type") == "image":
            _element(faults, each, pointer, {"image": _image_element})
        else:
            faults.text(each, pointer, 2000, ANY_TEXT)


def _actions(faults, block, at):
    if not faults.keys(block, at, ("elements",)):
        return
    seen = set()
    for each, pointer in faults.items(block["elements"], f"{at}/elements", 25):
        _element(faults, each, pointer, {"button": _button})
        name = each.get("action_id") if isinstance(each, dict) else None
        if name in seen:
            faults.add(f"{pointer}/action_id", f"`action_id` already exists: {name}")
        seen.add(name or pointer)


def _element(faults, element, at, known):
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in known:
        faults.add(f"{at}/type", f"unsupported type: {kind}")
    else:
        known[kind](faults, {key: value for key, value in element.items() if key != "type"}, at)


def _button(faults, element, at):
    optional = ("action_id", "value", "url", "style", "confirm", "accessibility_label")
    if not faults.keys(element, at, ("text",), optional):
        return
    faults.text(element["text"], f"{at}/text", 75)
    faults.optional(element, at, action_id=255, value=2000, url=3000, accessibility_label=75)
    if element.get("url") and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S+$", str(element["url"])):
        faults.add(f"{at}/url", "must be a valid URL")
    if "style" in element:
        faults.one_of(element["style"], f"{at}/style", {"primary", "danger"})
    if element.get("confirm") is not None:
        _confirm(faults, element["confirm"], f"{at}/confirm")


def _confirm(faults, dialog, at):
    if not faults.keys(dialog, at, ("title", "text", "confirm", "deny"), ("style",)):
        return
    faults.text(dialog["title"], f"{at}/title", 100)
    faults.text(dialog["text"], f"{at}/text", 300, ANY_TEXT)
    faults.text(dialog["confirm"], f"{at}/confirm", 30)
    faults.text(dialog["deny"], f"{at}/deny", 30)
    if "style" in dialog:
        faults.one_of(dialog["style"], f"{at}/style", {"primary", "danger"})


def _input(faults, block, at):
    optional = ("hint", "optional", "dispatch_action")
    if not faults.keys(block, at, ("label", "element"), optional):
        return
    faults.text(block["label"], f"{at}/label", 2000)
    if block.get("hint") is not None:
        faults.text(block["hint"], f"{at}/hint", 2000)
    faults.flags(block, at, "optional", "dispatch_action")
    _element(faults, block["element"], f"{at}/element", {"plain_text_input": _plain_text_input})


def _plain_text_input(faults, element, at):
    keys = ("action_id", "initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load")
    faults.keys(element, at, (), keys)
    faults.optional(element, at, action_id=255, initial_value=3000)
    faults.flags(element, at, "multiline", "focus_on_load")
    if element.get("placeholder") is not None:
        faults.text(element["placeholder"], f"{at}/placeholder", 150)
    for key, least in (("min_length", 0), ("max_length", 1)):
        if key in element and not (type(element[key]) is int and least <= element[key] <= 3000):
            faults.add(f"{at}/{key}", f"must be between {least} and 3000")


def _rich_text(faults, block, at):
    if not faults.keys(block, at, ("elements",)):
        return
    for each, pointer in faults.items(block["elements"], f"{at}/elements", 1000):
        _rich_part(faults, each, pointer)


def _rich_part(faults, part, at):
    kind = part.get("type") if isinstance(part, dict) else None
    optional = {
        "rich_text_section": (),
        "rich_text_preformatted": ("border", "language"),
        "rich_text_quote": ("border",),
        "rich_text_list": ("style", "indent", "offset", "border"),
    }
    if kind not in optional:
        faults.add(f"{at}/type", f"unsupported type: {kind}")
        return
    required = ("type", "elements", "style") if kind == "rich_text_list" else ("type", "elements")
    if not faults.keys(part, at, required, optional[kind]):
        return
    least = 0 if kind == "rich_text_section" else 1
    for each, pointer in faults.items(part["elements"], f"{at}/elements", 10_000, least):
        if kind != "rich_text_list":
            _inline(faults, each, pointer, kind == "rich_text_preformatted")
        elif isinstance(each, dict) and each.get("type") == "rich_text_section":
            _rich_part(faults, each, pointer)
        else:
            faults.add(f"{pointer}/type", "must be rich_text_section")
    if kind == "rich_text_list":
        faults.one_of(part["style"], f"{at}/style", {"bullet", "ordered"})


# (what an element of rich text needs, what else it may have)
INLINE = {
    "text": (("text",), ()),
    "link": (("url",), ("text", "unsafe")),
    "emoji": (("name",), ("unicode", "skin_tone")),
    "user": (("user_id",), ()),
    "usergroup": (("usergroup_id",), ()),
    "channel": (("channel_id",), ()),
    "broadcast": (("range",), ()),
    "color": (("value",), ()),
    "date": (("timestamp", "format"), ("url", "fallback")),
}


def _inline(faults, element, at, is_preformatted):
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in INLINE or (is_preformatted and kind not in ("text", "link")):
        faults.add(f"{at}/type", f"unsupported type: {kind}")
        return
    required, optional = INLINE[kind]
    if not faults.keys(element, at, ("type", *required), (*optional, "style")):
        return
    for key in {*required, *optional} & set(element) - {"timestamp", "unsafe", "skin_tone"}:
        faults.string(element[key], f"{at}/{key}", 3000 if key == "url" else CHARACTERS_PER_MESSAGE)
    if kind == "date" and type(element["timestamp"]) is not int:
        faults.add(f"{at}/timestamp", "must be an integer")
    if kind == "broadcast":
        faults.one_of(element["range"], f"{at}/range", {"here", "channel", "everyone"})
    if "style" in element and faults.keys(element["style"], f"{at}/style", (), STYLES):
        faults.flags(element["style"], f"{at}/style", *STYLES)


def _table(faults, block, at):
    if not faults.keys(block, at, ("rows",), ("column_settings",)):
        return
    for row, pointer in faults.items(block["rows"], f"{at}/rows", 100):
        for cell, place in faults.items(row, pointer, 20):
            if isinstance(cell, dict) and cell.get("type") == "rich_text":
                _rich_text(faults, {key: value for key, value in cell.items() if key != "type"}, place)
            elif faults.keys(cell, place, ("type", "text")):
                faults.one_of(cell["type"], f"{place}/type", {"raw_text", "rich_text"})
                faults.string(cell["text"], f"{place}/text", 10_000)
    if block.get("column_settings") is not None:
        for setting, pointer in faults.items(block["column_settings"], f"{at}/column_settings", 20):
            if setting is not None and faults.keys(setting, pointer, (), ("align", "is_wrapped")):
                faults.one_of(setting.get("align", "left"), f"{pointer}/align", {"left", "center", "right"})
    if characters(block) > 10_000:
        faults.add(at, "must be less than 10001 characters")


COMMON_BLOCKS = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "rich_text": _rich_text,
}
MESSAGE_BLOCKS = {**COMMON_BLOCKS, "markdown": _markdown, "table": _table}
VIEW_BLOCKS = {**COMMON_BLOCKS, "input": _input}
