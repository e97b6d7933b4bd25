"""BERT and RoBERTa, read as language models: the encoder's layers, and the head of its training."""

from __future__ import annotations

from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.norm import Norm
from paramscale.io.hf.bert import bert_embedding, bert_head, bert_layers
from paramscale.io.hf.common import biased, decoder
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.model import ModelSpec


@family("bert", "data2vec-text", "roberta")
def bert(c: Config) -> ModelSpec:
    """Return a BERT or RoBERTa, which differ in their training and not in their layers."""
    return decoder(c, bert_layers(c), embedding=bert_embedding(c), head=bert_head(c))


@family("camembert", "xlm-roberta")
def camembert(c: Config) -> ModelSpec:
    """Return a RoBERTa whose class names the head first, so that a shared matrix counts there."""
    embedding = bert_embedding(c, tied=c.flag("tie_word_embeddings"))
    return decoder(c, bert_layers(c), embedding=embedding, head=bert_head(c, holds=True))


@family("ernie")
def ernie(c: Config) -> ModelSpec:
    """Return an ERNIE: a BERT that may have a table of tasks."""
    embedding = bert_embedding(c)
    if c.flag("use_task_id"):
        embedding.append(Table(c.integer("task_type_vocab_size"), of="other_embedding"))
    return decoder(c, bert_layers(c), embedding=embedding, head=bert_head(c))


@family("bert-generation")
def bert_generation(c: Config) -> ModelSpec:
    """Return a BERT for generation: no table of types, logits straight from the last layer."""
    embedding, head = bert_embedding(c, types=False), bert_head(c, transform=False)
    return decoder(c, bert_layers(c), embedding=embedding, head=head)


@family("megatron-bert", "xlm-roberta-xl")
def megatron_bert(c: Config) -> ModelSpec:
    """Return a BERT with norms before attention and MLP and at the end, not after the tables."""
    embedding, head = bert_embedding(c, norm=False), [Norm("layer"), *bert_head(c)]
    return decoder(c, bert_layers(c), embedding=embedding, head=head)


@family("roberta-prelayernorm")
def roberta_prelayernorm(c: Config) -> ModelSpec:
    """Return a RoBERTa with norms before attention and MLP, at the end and after the tables."""
    head = [Norm("layer"), *bert_head(c)]
    return decoder(c, bert_layers(c), embedding=bert_embedding(c), head=head)


@family("big_bird")
def big_bird(c: Config) -> ModelSpec:
    """Return a BigBird, which attends to everything here, and whose pooler runs for nothing."""
    c.word("attention_type", ("block_sparse", "original_full"))
    biases = biased(c.flag("use_bias"), True)
    head = [Projection(bias=True, once=True), *bert_head(c)]
    return decoder(c, bert_layers(c, biases), embedding=bert_embedding(c), head=head)
