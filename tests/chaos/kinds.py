"""The commands that are disturbed: every stage, over nothing and over what an earlier one made."""

from workshop import Kind, Words

FOLDER: Words = ("fetch", "corpus=folder", "corpus.source.folder=music")
ARCHIVE: Words = (
    "fetch",
    "corpus=nes",
    "corpus.source.path=music.zip",
    "corpus.source.check=false",
    "corpus.source.parts=null",
)
SCORES: Words = (
    "preprocess",
    "corpus=folder",
    "corpus.path=scores",
    "preprocess.processes=2",
)
OTHER = "seed=7"
READ: tuple[Words, ...] = (("preprocess",), ("split",))
TRAINED: tuple[Words, ...] = (*READ, ("train",))
SAMPLED: tuple[Words, ...] = (*TRAINED, ("generate",))
STORE: tuple[Words, ...] = (*READ, ("train", OTHER))  # makes the MLflow store, which takes seconds

KINDS = {
    kind.name: kind
    for kind in (
        Kind("fetch a folder", FOLDER),
        Kind("fetch a folder anew", FOLDER, [(*FOLDER[:2], "corpus.source.folder=other")]),
        Kind("fetch an archive", ARCHIVE),
        Kind("compose", ("compose",), [("compose", OTHER)]),
        Kind("preprocess", ("preprocess",)),
        Kind("preprocess anew", ("preprocess",), [("preprocess", "corpus.resolution=12")]),
        Kind("preprocess, two workers", SCORES, workers=True),
        Kind("split", ("split",), [*READ, ("split", OTHER)]),
        Kind("train", ("train",), STORE, jobs=1),
        Kind("train, no MLflow store yet", ("train",), READ, jobs=1),
        Kind("train again", ("train",), TRAINED, jobs=1),
        Kind("train, checkpoints elsewhere", ("train",), STORE, jobs=1, elsewhere=True),
        Kind("generate", ("generate",), [*TRAINED, ("generate", OTHER)]),
        Kind("evaluate", ("evaluate",), [*SAMPLED, ("evaluate", "evaluation.smoothing=0.2")]),
        Kind("run", ("run",), STORE, jobs=1),
        Kind("run -m", ("run", "-m", "seed=1,2"), STORE, jobs=2),
    )
}
