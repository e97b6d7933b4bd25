"""Relatives of BERT with tables of another width, further tables, adapters or an image tower."""

from __future__ import annotations

from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.head import Head
from paramscale.architecture.held import Held
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.bert import bert_embedding, bert_head, bert_layers
from paramscale.io.hf.common import decoder
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("electra")
def electra(c: Config) -> ModelSpec:
    """Return an ELECTRA generator: narrow tables, and logits of their width."""
    width, narrow = c.integer("hidden_size"), c.integer("embedding_size")
    embedding = bert_embedding(c, channels=narrow)
    if narrow != width:
        embedding.append(Projection(inputs=narrow, bias=True))
    tied = c.flag("tie_word_embeddings")
    head: list[Block] = [
        Projection(outputs=narrow, bias=True),
        Norm("layer", channels=narrow),
        Head(c.integer("vocab_size"), tied=tied, bias=True, channels=narrow),
    ]
    return decoder(c, bert_layers(c), embedding=embedding, head=head)


@family("rembert")
def rembert(c: Config) -> ModelSpec:
    """Return a RemBERT: narrow tables, and a head of a width of its own, which is never tied."""
    narrow, wide = c.integer("input_embedding_size"), c.integer("output_embedding_size")
    c.flag("tie_word_embeddings")
    embedding = [*bert_embedding(c, channels=narrow), Projection(inputs=narrow, bias=True)]
    head: list[Block] = [
        Projection(outputs=wide, bias=True),
        Norm("layer", channels=wide),
        Head(c.integer("vocab_size"), bias=True, channels=wide),
    ]
    return decoder(c, bert_layers(c), embedding=embedding, head=head)


@family("roformer")
def roformer(c: Config) -> ModelSpec:
    """Return a RoFormer, which stores its table of rotary positions as a weight."""
    width = c.integer("hidden_size")
    narrow = c.integer("embedding_size", width)
    embedding = bert_embedding(c, channels=narrow, positions=False)
    if narrow != width:
        embedding.append(Projection(inputs=narrow, bias=True))
    rows, heads = c.integer("max_position_embeddings"), c.integer("num_attention_heads")
    embedding.append(Table(rows, of="position_embedding", channels=width // heads))
    return decoder(c, bert_layers(c), embedding=embedding, head=bert_head(c, narrow))


@family("roc_bert")
def roc_bert(c: Config) -> ModelSpec:
    """Return a RoCBert: tables of sound and shape beside the tokens, joined by a projection."""
    embedding, joined = bert_embedding(c), c.integer("hidden_size")
    for name in ("pronunciation", "shape"):
        channels = c.integer(f"{name}_embed_dim")
        rows = c.integer(f"{name}_vocab_size")
        embedding.append(Table(rows, of="other_embedding", channels=channels))
        if c.flag(f"enable_{name}"):
            joined = joined + channels
    if c.flag("concat_input"):
        embedding.append(Projection(inputs=joined, bias=True))
    return decoder(c, bert_layers(c), embedding=embedding, head=bert_head(c))


@family("xmod")
def xmod(c: Config) -> ModelSpec:
    """Return an X-MOD: an adapter a language in each layer, of which a sequence passes one."""
    width, languages = c.integer("hidden_size"), len(c.items("languages") or [])
    if not languages:
        c.contradiction("languages", "it must name at least one language")
    inner = width // c.integer("adapter_reduction_factor")
    extra: list[Block] = [MLP(inner, gated=False, bias_in=True, bias_out=True)]
    if languages > 1:
        extra.append(Held((languages - 1) * (2 * width * inner + width + inner)))
    if c.flag("adapter_layer_norm"):
        extra.append(Norm("layer"))
    head = bert_head(c)
    if c.flag("pre_norm"):
        head = [Norm("layer"), *head]
    return decoder(c, bert_layers(c, extra=extra), embedding=bert_embedding(c), head=head)


@family("git")
def git(c: Config) -> ModelSpec:
    """Return a GIT; its image tower belongs to its causal language model, and is held idle."""
    tied = c.flag("tie_word_embeddings")
    head: list[Block] = [Head(c.integer("vocab_size"), tied=tied, bias=True), *_image_tower(c)]
    return decoder(c, bert_layers(c), embedding=bert_embedding(c, types=False), head=head)


def _image_tower(c: Config) -> list[Block]:
    """Return a vision transformer (CLIP's), and the projection from its width to the model's."""
    vision, width = c.sub("vision_config"), c.integer("hidden_size")
    own, inner = vision.integer("hidden_size", 768), vision.integer("intermediate_size", 3072)
    patch, image = vision.integer("patch_size", 16), vision.integer("image_size", 224)
    positions = (image // patch) ** 2 + 1
    pixels = vision.integer("num_channels", 3) * patch**2
    layer = 4 * own * (own + 1) + 2 * own * inner + own + inner + 4 * own
    frames = c.optional("num_image_with_embedding", 0, low=0) or 0
    projection = own * width + 3 * width + own * frames
    layers = vision.count("num_hidden_layers", 12) * layer
    return [
        Held(own * pixels + 4 * own + layers + projection, part="modality"),
        Held(own * positions, part="position_embedding", table=True),
        Held(own, part="other_embedding", table=True),
    ]
