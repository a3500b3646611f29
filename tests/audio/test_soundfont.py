from yardbird.audio.soundfont import mended, soundfont_path


def test_mending_changes_one_key_range_and_is_done_once() -> None:
    font = soundfont_path().read_bytes()
    once = mended(font)
    changed = [index for index, (a, b) in enumerate(zip(font, once, strict=True)) if a != b]
    assert len(changed) == 1
    assert (font[changed[0]], once[changed[0]]) == (63, 64)
    assert mended(once) == once
