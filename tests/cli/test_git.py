import subprocess

import pytest

from kzrules.cli.git import Commit, GitError


@pytest.fixture
def repository(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.kzr").write_text("1\n2\n3\n4\n5\n")
    (tmp_path / "rules" / 'odd "name" é.kzr').write_text("1\n")
    (tmp_path / "other.txt").write_text("x")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path


def test_changed_lines_are_those_of_the_work_tree(repository):
    file = repository / "rules" / "a.kzr"
    file.write_text("1\nnew\n2\n3\n5\n")
    changes = Commit.of("main", file).changes()
    assert changes.touch(str(file), 2, 2)
    assert not changes.touch(str(file), 1, 1)
    assert changes.touch(str(file), 5, 5)
    assert not changes.touch(str(file), 3, 3)


def test_a_file_that_the_commit_does_not_know_is_all_new(repository):
    file = repository / "rules" / "new.kzr"
    file.write_text("1\n")
    assert Commit.of("main", repository).changes().touch(str(file), 1, 1)


def test_names_with_quotes_are_read(repository):
    file = repository / "rules" / 'odd "name" é.kzr'
    file.write_text("2\n")
    assert Commit.of("HEAD", repository).changes().touch(str(file), 1, 1)


def test_a_snapshot_holds_the_rules_as_they_were(repository, tmp_path_factory):
    (repository / "rules" / "a.kzr").write_text("changed")
    into = tmp_path_factory.mktemp("old")
    Commit.of("HEAD", repository).snapshot(into)
    assert (into / "rules" / "a.kzr").read_text() == "1\n2\n3\n4\n5\n"
    assert not (into / "other.txt").exists()


def test_what_git_says_is_told(repository):
    with pytest.raises(GitError, match="rev-parse"):
        Commit.of("no-such-branch", repository)
    with pytest.raises(GitError, match="rev-parse"):
        Commit.of("--output=x", repository)


def test_outside_a_repository_git_says_so(tmp_path):
    with pytest.raises(GitError, match="not a git repository"):
        Commit.of("main", tmp_path)
