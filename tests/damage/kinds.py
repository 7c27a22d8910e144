"""Checkpoint folders with something wrong in them: what is done to a sound one, and what the sentence must name."""

from dataclasses import dataclass

import numpy as np

from tests.damage.changes import (
    CONFIG,
    INDEX,
    POINTER,
    PROCESSOR,
    SHARDS,
    WEIGHTS,
    Change,
    cut,
    header,
    in_shards,
    json_with,
    json_without,
    no_file,
    outside,
    put,
    replaced,
    tensors,
    text,
)


@dataclass(frozen=True)
class Damage:
    """One way in which a folder is spoilt."""

    name: str
    change: Change
    named: tuple[str, ...] = ()
    """What the sentence must contain: the file, and the field where there is one; empty where the folder must work."""


BIAS = "class_predictor.bias"
DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000

DAMAGES: tuple[Damage, ...] = (
    # Weights
    Damage("weights cut to a half", cut(WEIGHTS, 0.5), (WEIGHTS,)),
    Damage("weights cut in the header", cut(WEIGHTS, 0.01), (WEIGHTS,)),
    Damage("weights empty", text(WEIGHTS, b""), (WEIGHTS,)),
    Damage("weights of zeros", text(WEIGHTS, bytes(5000)), (WEIGHTS,)),
    Damage("weights are HTML", text(WEIGHTS, "<html>Sign in</html>" * 50), (WEIGHTS,)),
    Damage("weights are a pointer", text(WEIGHTS, POINTER), (WEIGHTS, "Git LFS")),
    Damage("weights are a folder", no_file(WEIGHTS, "folder"), (WEIGHTS,)),
    Damage("weights are a link to nowhere", no_file(WEIGHTS, "nowhere"), (WEIGHTS,)),
    Damage("weights are a link to itself", no_file(WEIGHTS, "itself"), (WEIGHTS,)),
    Damage("weights are a pipe", no_file(WEIGHTS, "pipe"), (WEIGHTS,)),
    Damage("weights missing", no_file(WEIGHTS, "nothing"), (WEIGHTS,)),
    Damage("header longer than the file", header(lambda _: None, length=10**12), (WEIGHTS,)),
    Damage("header of length 0", header(lambda _: None, length=0), (WEIGHTS,)),
    Damage("header is no JSON", header(lambda _: None, length=7), (WEIGHTS,)),
    Damage("a shape of words", header(lambda head: head[BIAS].update(shape=["six"])), (WEIGHTS,)),
    Damage("a negative shape", header(lambda head: head[BIAS].update(shape=[-6])), (WEIGHTS,)),
    Damage("a shape of 10^18", header(lambda head: head[BIAS].update(shape=[10**18])), (WEIGHTS,)),
    Damage("a type nobody knows", header(lambda head: head[BIAS].update(dtype="Q7")), (WEIGHTS,)),
    Damage("places outside the file", header(lambda head: head[BIAS].update(data_offsets=[0, 10**15])), (WEIGHTS,)),
    Damage("an entry that is a list", header(lambda head: head.update({BIAS: []})), (WEIGHTS,)),
    Damage("not a number", tensors(put(BIAS, np.nan)), ("weights", BIAS)),
    Damage("infinite", tensors(put("class_predictor.weight", np.inf)), ("weights", "class_predictor.weight")),
    Damage("a tensor missing", tensors(lambda weights: weights.pop(BIAS)), ("weights", BIAS)),
    Damage("a tensor renamed", tensors(lambda weights: weights.update(x=weights.pop(BIAS))), ("weights", BIAS)),
    Damage(
        "a tensor cropped",
        tensors(lambda weights: weights.update({BIAS: weights[BIAS][:-1].copy()})),
        ("weights", BIAS),
    ),
    Damage(
        "a tensor of 0 numbers",
        tensors(lambda weights: weights.update({BIAS: np.zeros(0, np.float32)})),
        ("weights", BIAS),
    ),
    Damage("no tensors", tensors(lambda weights: weights.clear()), ("weights",)),
    Damage("in shards", in_shards()),
    Damage("a shard cut", in_shards(cut(SHARDS[1], 0.7)), (SHARDS[1],)),
    Damage("a shard corrupt", in_shards(text(SHARDS[0], b"\x10" * 900)), (SHARDS[0],)),
    Damage("a shard missing", in_shards(no_file(SHARDS[0], "nothing")), (SHARDS[0],)),
    Damage("a shard is a pointer", in_shards(text(SHARDS[0], POINTER)), (SHARDS[0], "Git LFS")),
    Damage("index is a list", in_shards(text(INDEX, "[]")), (INDEX,)),
    Damage("index without map", in_shards(json_without(INDEX, "weight_map")), (INDEX, "weight_map")),
    Damage("index without metadata", in_shards(json_without(INDEX, "metadata")), (INDEX, "metadata")),
    Damage("map is a list", in_shards(json_with(INDEX, "weight_map", value=list(SHARDS))), (INDEX, "weight_map")),
    Damage("map is empty", in_shards(json_with(INDEX, "weight_map", value={})), (INDEX, "weight_map")),
    Damage("map names numbers", in_shards(json_with(INDEX, "weight_map", BIAS, value=3)), (INDEX, "weight_map", BIAS)),
    Damage("map names null", in_shards(json_with(INDEX, "weight_map", BIAS, value=None)), (INDEX, "weight_map", BIAS)),
    Damage("map names a path outside", in_shards(outside), (INDEX, "weight_map", BIAS)),
    Damage(
        "map names a file of the system",
        in_shards(json_with(INDEX, "weight_map", BIAS, value="/etc/passwd")),
        (INDEX, BIAS),
    ),
    Damage(
        "map names too long a file", in_shards(json_with(INDEX, "weight_map", BIAS, value="a" * 5000)), (INDEX, BIAS)
    ),
    Damage("map names a folder", in_shards(json_with(INDEX, "weight_map", BIAS, value="..")), (INDEX,)),
    # The network's description
    Damage("config is empty", text(CONFIG, ""), (CONFIG,)),
    Damage("config is a list", text(CONFIG, "[1]"), (CONFIG,)),
    Damage("config is cut", cut(CONFIG, 0.5), (CONFIG,)),
    Damage("config is not UTF-8", text(CONFIG, '{"a": "ü"}'.encode("latin-1")), (CONFIG, "UTF-8")),
    Damage("config is nested deeply", text(CONFIG, DEEP), (CONFIG,)),
    Damage("config is a pointer", text(CONFIG, POINTER), (CONFIG, "Git LFS")),
    Damage("config is a folder", no_file(CONFIG, "folder"), (CONFIG,)),
    Damage("config is a link to nowhere", no_file(CONFIG, "nowhere"), (CONFIG,)),
    Damage("config has NaN", json_with(CONFIG, "layer_norm_eps", value=float("nan")), (CONFIG, "layer_norm_eps")),
    Damage("config has 10^5000", replaced(CONFIG, '"num_queries": 12', '"num_queries": 1' + "0" * 5000), (CONFIG,)),
    Damage("config has a key twice", replaced(CONFIG, '"num_queries": 12', '"num_queries": 7, "num_queries": 12')),
    Damage(
        "config has half a character", json_with(CONFIG, "segdemo_title", value="\ud800"), (CONFIG, "segdemo_title")
    ),
    Damage("no model_type", json_without(CONFIG, "model_type"), ("model_type",)),
    Damage("model_type is a number", json_with(CONFIG, "model_type", value=3), (CONFIG, "model_type")),
    Damage("model_type of another family", json_with(CONFIG, "model_type", value="bert"), ("bert",)),
    Damage("decoder_layers 0", json_with(CONFIG, "decoder_layers", value=0), (CONFIG, "decoder_layers")),
    Damage("decoder_layers -1", json_with(CONFIG, "decoder_layers", value=-1), (CONFIG, "decoder_layers")),
    Damage("decoder_layers 10^9", json_with(CONFIG, "decoder_layers", value=10**9), (CONFIG, "decoder_layers")),
    Damage("decoder_layers is text", json_with(CONFIG, "decoder_layers", value="ten"), (CONFIG, "decoder_layers")),
    Damage("encoder_layers 0", json_with(CONFIG, "encoder_layers", value=0), (CONFIG, "encoder_layers")),
    Damage("hidden_dim 10^9", json_with(CONFIG, "hidden_dim", value=10**9), (CONFIG, "hidden_dim")),
    Damage("hidden_dim is null", json_with(CONFIG, "hidden_dim", value=None), (CONFIG, "hidden_dim")),
    Damage("hidden_dim 33", json_with(CONFIG, "hidden_dim", value=33), ("config.json",)),
    Damage("num_queries 10^12", json_with(CONFIG, "num_queries", value=10**12), (CONFIG, "num_queries")),
    Damage("num_queries 10^6", json_with(CONFIG, "num_queries", value=10**6), (CONFIG,)),
    Damage("num_queries of others", json_with(CONFIG, "num_queries", value=13), (CONFIG, "queries")),
    Damage("heads that do not divide", json_with(CONFIG, "num_attention_heads", value=5), (CONFIG,)),
    Damage("activation nobody knows", json_with(CONFIG, "activation_function", value="wow"), (CONFIG,)),
    Damage("feature_strides is text", json_with(CONFIG, "feature_strides", value="4"), (CONFIG, "feature_strides")),
    Damage("backbone_config is a list", json_with(CONFIG, "backbone_config", value=[]), (CONFIG, "backbone_config")),
    Damage(
        "backbone of a type nobody knows",
        json_with(CONFIG, "backbone_config", "model_type", value="x"),
        (CONFIG, "backbone_config"),
    ),
    Damage(
        "backbone of a type that is a list",
        json_with(CONFIG, "backbone_config", "model_type", value=[]),
        (CONFIG, "backbone_config"),
    ),
    Damage("depths 10^6", json_with(CONFIG, "backbone_config", "depths", value=[10**6] * 4), (CONFIG, "depths")),
    Damage("depths of words", json_with(CONFIG, "backbone_config", "depths", value=["a", "b"]), (CONFIG, "depths")),
    Damage("window_size 10^6", json_with(CONFIG, "backbone_config", "window_size", value=10**6), (CONFIG,)),
    Damage("window_size 0", json_with(CONFIG, "backbone_config", "window_size", value=0), (CONFIG,)),
    Damage("patch_size 0", json_with(CONFIG, "backbone_config", "patch_size", value=0), (CONFIG,)),
    Damage("num_channels 4", json_with(CONFIG, "backbone_config", "num_channels", value=4), (CONFIG, "num_channels")),
    Damage("num_heads 0", json_with(CONFIG, "backbone_config", "num_heads", value=[0, 0, 0, 0]), (CONFIG,)),
    Damage(
        "out_features nobody has",
        json_with(CONFIG, "backbone_config", "out_features", value=["x"]),
        (CONFIG, "out_features"),
    ),
    Damage(
        "num_labels 10^9 of the backbone",
        json_with(CONFIG, "backbone_config", "num_labels", value=10**9),
        (CONFIG, "num_labels"),
    ),
    Damage("label keys that are words", json_with(CONFIG, "id2label", value={"wall": "0"}), (CONFIG, "id2label")),
    Damage("label keys below 0", json_with(CONFIG, "id2label", value={"-1": "wall"}), (CONFIG, "id2label")),
    Damage("labels are a list", json_with(CONFIG, "id2label", value=["wall", "sky"]), (CONFIG, "id2label")),
    Damage("a label that is a list", json_with(CONFIG, "id2label", "0", value=[1]), (CONFIG, "id2label")),
    Damage(
        "a label too few", json_with(CONFIG, "id2label", value={"0": "wall", "1": "sky"}), (CONFIG, "class_predictor")
    ),
    Damage("a label too many", json_with(CONFIG, "id2label", "5", value="boat"), (CONFIG, "class_predictor")),
    Damage(
        "labels with a gap", json_with(CONFIG, "id2label", value={"0": "a", "1": "b", "2": "c", "3": "d", "9": "e"})
    ),
    Damage(
        "known classes it does not have",
        json_with(CONFIG, "segdemo_known_classes", value=[1, 99]),
        (CONFIG, "segdemo_known_classes"),
    ),
    Damage("a title that is a list", json_with(CONFIG, "segdemo_title", value=["a"]), (CONFIG, "segdemo_title")),
    Damage("weights of another name", json_with(CONFIG, "transformers_weights", value="../x.safetensors"), (CONFIG,)),
    Damage("a type torch does not have", json_with(CONFIG, "dtype", value="float17"), (CONFIG, "float17")),
    # The photograph's way to the network
    Damage("no processor file", no_file(PROCESSOR, "nothing")),
    Damage("processor is empty", text(PROCESSOR, ""), (PROCESSOR,)),
    Damage("processor is null", text(PROCESSOR, "null"), (PROCESSOR,)),
    Damage("processor is a folder", no_file(PROCESSOR, "folder"), (PROCESSOR,)),
    Damage("processor is a link to nowhere", no_file(PROCESSOR, "nowhere"), (PROCESSOR,)),
    Damage("size null", json_with(PROCESSOR, "size", value=None)),
    Damage("size is a list", json_with(PROCESSOR, "size", value=[64, 96])),
    Damage("size by the longest sides", json_with(PROCESSOR, "size", value={"max_height": 64, "max_width": 96})),
    Damage("size is text", json_with(PROCESSOR, "size", value="large"), (PROCESSOR, "size")),
    Damage("size 0", json_with(PROCESSOR, "size", value={"height": 0, "width": 0}), (PROCESSOR, "size")),
    Damage("size below 0", json_with(PROCESSOR, "size", value={"height": -9, "width": 9}), (PROCESSOR, "size")),
    Damage("size of one number", json_with(PROCESSOR, "size", value=[64]), (PROCESSOR, "size")),
    Damage(
        "size of a million pixels a side",
        json_with(PROCESSOR, "size", value={"height": 10**6, "width": 10**6}),
        (PROCESSOR, "size"),
    ),
    Damage(
        "size of 10^6 by its edges",
        json_with(PROCESSOR, "size", value={"shortest_edge": 10**6, "longest_edge": 10**6}),
        (PROCESSOR, "size"),
    ),
    Damage("pad_size", json_with(PROCESSOR, "pad_size", value={"height": 200, "width": 300})),
    Damage("pad_size too small", json_with(PROCESSOR, "pad_size", value=33), (PROCESSOR, "pad_size")),
    Damage("pad_size of a million", json_with(PROCESSOR, "pad_size", value=10**6), (PROCESSOR, "pad_size")),
    Damage("pad_size is text", json_with(PROCESSOR, "pad_size", value="x"), (PROCESSOR, "pad_size")),
    Damage("size_divisor 10^9", json_with(PROCESSOR, "size_divisor", value=10**9), (PROCESSOR, "size_divisor")),
    Damage("size_divisor null", json_with(PROCESSOR, "size_divisor", value=None), (PROCESSOR, "size_divisor")),
    Damage("resample null", json_with(PROCESSOR, "resample", value=None)),
    Damage("resample 9", json_with(PROCESSOR, "resample", value=9), (PROCESSOR, "resample")),
    Damage("resample is text", json_with(PROCESSOR, "resample", value="bicubic"), (PROCESSOR, "resample")),
    Damage("one mean for all", json_with(PROCESSOR, "image_mean", value=0.5)),
    Damage("one deviation for all", json_with(PROCESSOR, "image_std", value=0.25)),
    Damage("two means", json_with(PROCESSOR, "image_mean", value=[0.5, 0.5]), (PROCESSOR, "image_mean")),
    Damage("mean null", json_with(PROCESSOR, "image_mean", value=None), (PROCESSOR, "image_mean")),
    Damage("mean is text", json_with(PROCESSOR, "image_mean", value="0.5"), (PROCESSOR, "image_mean")),
    Damage("deviation 0", json_with(PROCESSOR, "image_std", value=[0.2, 0, 0.2]), (PROCESSOR, "image_std")),
    Damage(
        "deviation NaN", json_with(PROCESSOR, "image_std", value=[0.2, float("nan"), 0.2]), (PROCESSOR, "image_std")
    ),
    Damage("rescale_factor 10^308", json_with(PROCESSOR, "rescale_factor", value=1e308), (PROCESSOR, "rescale_factor")),
    Damage(
        "rescale_factor is a list", json_with(PROCESSOR, "rescale_factor", value=[1]), (PROCESSOR, "rescale_factor")
    ),
    Damage("do_resize is text", json_with(PROCESSOR, "do_resize", value="no"), (PROCESSOR, "do_resize")),
    Damage("do_resize null", json_with(PROCESSOR, "do_resize", value=None)),
)
