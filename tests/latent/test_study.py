"""The solos that the experiments use, and how their results are written."""

import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from yardbird.errors import InputError
from yardbird.latent.study import Study, open_study, stretch, write_piece, write_table
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.music.midi import read_score
from yardbird.music.score import Meter, Score, make_notes
from yardbird.pictures.figure import figure, plain


def with_meters(meters: list[tuple[int, int, int]], end: int) -> Score:
    """A note on every beat of twelve steps, its pitch the number of the beat."""
    notes = make_notes([(12 * beat, 12, beat, 80) for beat in range(end // 12)])
    return Score(12, notes, end, meters=tuple(Meter(*meter) for meter in meters))


def test_a_study_holds_originals_of_training_and_of_one_held_out_split(study: Study) -> None:
    """No copies in other keys and, above all, no solo of a split that was not requested."""
    assert [solo.solo for solo in study.solos] == [f"a/tune{number:02d}" for number in range(10)]
    assert (len(study.training), len(study.held_out)) == (6, 4)
    assert {solo.split for solo in study.held_out} == {"validation"}


def test_the_held_out_split_can_be_the_test_split(augmented: Path, family: MusicVAEFamily) -> None:
    final = open_study(family, augmented, "test", 0)
    assert [solo.solo for solo in final.held_out] == ["a/tune10"]
    assert {solo.split for solo in final.solos} == {"train", "test"}


def test_a_split_without_solos_is_refused(augmented: Path, family: MusicVAEFamily, tmp_path: Path) -> None:
    lines = (augmented / "manifest.csv").read_text().splitlines()
    (tmp_path / "manifest.csv").write_text("\n".join(line for line in lines if ",validation," not in line))
    with pytest.raises(InputError, match="expected solos of the validation split, found none"):
        open_study(family, tmp_path, "validation", 0)


def test_every_solo_has_its_own_code(study: Study) -> None:
    for solo in study.solos[:2]:
        (alone,) = study.family.encode([solo.score])
        assert (alone.z == solo.latent.z).all()


def test_a_stretch_excludes_the_pickup_and_a_change_of_meter() -> None:
    score = with_meters([(0, 1, 4), (12, 4, 4), (12 + 4 * 48, 3, 4)], 12 + 4 * 48 + 2 * 36)
    four = stretch(score, 4)
    assert four is not None
    assert four.pitches.tolist() == list(range(1, 17))
    assert four.meters == (Meter(0, 4, 4),)
    assert stretch(score, 5) is None


def test_stretches_are_encoded_again_and_solos_without_one_are_omitted(study: Study) -> None:
    cuts = study.stretches(study.solos, 8)
    assert {solo.score.bar_count for solo in cuts} == {8}
    assert len(study.stretches(study.solos, 10)) == sum(solo.score.bar_count >= 10 for solo in study.solos) < 10
    (again,) = study.family.encode([cuts[0].score])
    assert (cuts[0].latent.z == again.z).all()


def test_a_piece_is_written_as_midi_sound_and_picture_with_the_dot_in_its_name(study: Study, tmp_path: Path) -> None:
    (cut,) = study.stretches(study.solos[:1], 2)
    write_piece(cut.score, tmp_path / "step_1.5", "a title")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_1.5.mid", "step_1.5.png", "step_1.5.wav"]
    assert read_score(tmp_path / "step_1.5.mid").pitches.tolist() == cut.score.pitches.tolist()
    write_piece(cut.score, tmp_path / "silent/one", "a title", rendered=False)
    assert [path.name for path in (tmp_path / "silent").iterdir()] == ["one.mid"]


def test_a_table_has_six_digits_and_empty_cells_for_none(tmp_path: Path) -> None:
    write_table(
        tmp_path / "t.csv", [{"name": "a", "share": 1 / 3, "none": None}, {"name": "b", "share": 2e-7, "none": 1}]
    )
    assert (tmp_path / "t.csv").read_text() == "name,share,none\na,0.333333,\nb,2e-07,1\n"


def test_user_settings_of_matplotlib_do_not_change_a_plot(tmp_path: Path) -> None:
    def draw(path: Path) -> bytes:
        with figure(path, "A figure", width=3, height=2) as drawing:
            plain(drawing.subplots(), "panel", xlabel="α").plot([0, 1], [1, 0])
        return path.read_bytes()

    plainly = draw(tmp_path / "a.png")
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 7}):
        assert draw(tmp_path / "b.png") == plainly
        assert mpl.rcParams["font.size"] == 20


def test_a_title_with_dollars_is_not_parsed_as_a_formula(study: Study, tmp_path: Path) -> None:
    """Regression: such a title stopped the stage, because matplotlib parses text between two dollars as a formula."""
    (cut,) = study.stretches(study.solos[:1], 2)
    write_piece(cut.score, tmp_path / "one", "Pennies $\\for$ Heaven")
    with figure(tmp_path / "two.png", "$_{$", width=3, height=2) as drawing:
        plain(drawing.subplots(), "$_{$")


def test_a_sample_has_the_requested_size_and_is_reproducible(study: Study) -> None:
    """Regression: the first by id were all of one artist if the folders of others came later."""
    chosen = study.sample(study.solos, 4)
    assert chosen == study.sample(study.solos, 4)
    assert [solo.solo for solo in chosen] == sorted({solo.solo for solo in chosen})
    assert len(chosen) == 4
    assert study.sample(study.solos, 99) == list(study.solos)
    drawn = {study.sample(study.solos, 1)[0].solo for study in (replace(study, seed=seed) for seed in range(20))}
    assert len(drawn) > 5


def test_long_stems_are_distinct_and_two_fit_into_one_name(study: Study) -> None:
    """Regression: a folder named after two solos of eighty Korean letters each could not be created."""
    first, second = (replace(study.solos[0], solo=f"a/{'가' * 79}{letter}").stem for letter in "나다")
    assert first != second
    assert len(f"{first}_to_{second}".encode()) < 255
    assert study.solos[0].stem == "a_tune00"


def test_the_study_has_solos_of_the_target_only(augmented: Path, family: MusicVAEFamily, tmp_path: Path) -> None:
    lines = (augmented / "manifest.csv").read_text().splitlines()
    shutil.copytree(augmented / "scores", tmp_path / "scores")
    changed = [line.replace(",target,", ",background,") if line.startswith("a/tune00") else line for line in lines]
    (tmp_path / "manifest.csv").write_text("\n".join(changed) + "\n")
    names = {solo.solo for solo in open_study(family, tmp_path, "validation", 0).solos}
    assert "a/tune00" not in names
    assert "a/tune01" in names
