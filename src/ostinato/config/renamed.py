"""Keys and options of the config that have another name than they had."""

ROW = "`make bench-likelihood ROW={}`"
RENAMED = {
    "training.transposed": "training.transpose_probability",
    "sampling.steps": "sampling.interpolation_steps",
    "sampling.from": "sampling.start",
    "sampling=continuation": "sampling=continue",
    "sampling=accompany": "sampling=harmonise sampling.tracks=[4]",
    "sampling=reconstruct": "sampling=vary sampling.distance=0.0",
    "split=plain": "split.validation=0.0 split.test=0.2 split.group_alike=false",
    "training=ddp": "training.devices=2 training.strategy=ddp",
    "training=fsdp": "training.accelerator=gpu training.devices=2 training.strategy=fsdp",
    "debug=profile": "training.epochs=2 training.profiler=simple",
    "tracking=server": "tracking.uri=http://HOST:5000",
    "preprocess=dask": "preprocess.backend=dask",
    "preprocess=ray": "preprocess.backend=ray",
    "experiment=bach_gru": "model=gru",
    "experiment=bach_rnn": "model=rnn training.learning_rate=0.001",
    "experiment=bach_lstm_event": "~experiment representation=event",
    "experiment=bach_vae_pianoroll": (
        "experiment=bach_vae representation=pianoroll model.pitch_range=[36,83] "
        "model.latent_size=128 model.objective.free_bits=128.0 training.epochs=20"
    ),
    "experiment=essen_vae": (
        "experiment=bach_vae corpus=essen training.epochs=15 training.transpose=[-3,3]"
    ),
    "experiment=search_tradeoff": (
        "experiment=search sweep.prune=false sweep.objectives=[score,minutes] "
        "hydra.sweeper.direction=[minimize,minimize] "
        "'model.backbone.hidden_size=choice(64,128,256)'"
    ),
    "experiment=likelihood/jsb16_best": "experiment=jsb16_best",
    "experiment=likelihood/jsb16_masked": ROW.format("jsb16_masked"),
    "experiment=likelihood/jsb_best": ROW.format("jsb_best"),
    "experiment=likelihood/jsb_gru_autoregressive": ROW.format("jsb_gru_autoregressive"),
    "experiment=likelihood/jsb_gru_bernoulli": ROW.format("jsb_gru_bernoulli"),
    "experiment=likelihood/jsb_masked": ROW.format("jsb_masked"),
    "experiment=likelihood/jsb_nine_keys": ROW.format("jsb_nine_keys"),
    "experiment=likelihood/nottingham_best": "experiment=nottingham_frames",
    "experiment=likelihood/piano_midi_best": ROW.format("piano_midi_best"),
}


def describe_renamed(word: str) -> str:
    """Return a sentence that names the new key or option of an old one; nothing for any other."""
    return f"{word} is called {RENAMED[word]} now: write that instead." if word in RENAMED else ""
