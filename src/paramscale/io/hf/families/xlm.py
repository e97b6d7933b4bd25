"""XLM and XLNet, pretrained in several languages and on permutations of the tokens."""

from __future__ import annotations

from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.held import Held
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.architecture.relative_attention import RelativeAttention
from paramscale.io.hf.common import biased, decoder, even_attention, plain_mlp, same_layers, tables
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("xlm")
def xlm(c: Config) -> ModelSpec:
    """Return an XLM: norms after the blocks, four widths in the MLP, perhaps a language table."""
    if c.flag("asm") or not c.flag("is_encoder"):
        name = "asm" if c.flag("asm") else "is_encoder"
        c.refuse(name, "modelled are encoders with an ordinary output layer")
    width = c.integer("emb_dim")
    mlp = MLP(4 * width, gated=False, bias_in=True, bias_out=True)
    attend = even_attention(c, width, c.integer("n_heads"), **biased(True))
    blocks: list[Block] = [attend, Norm("layer"), mlp, Norm("layer")]
    embedding = tables(c)
    languages = c.integer("n_langs")
    if c.flag("use_lang_emb") and languages > 1:
        embedding.append(Table(languages, of="other_embedding"))
    embedding.append(Norm("layer"))
    head: list[Block] = [
        Head(c.integer("vocab_size"), tied=c.flag("tie_word_embeddings"), bias=True)
    ]
    layers = same_layers(c, blocks, "n_layers")
    return decoder(c, layers, width=width, embedding=embedding, head=head)


@family("xlnet")
def xlnet(c: Config) -> ModelSpec:
    """Return an XLNet: relative positions, and a memory of hidden states in place of a cache."""
    width, heads = c.integer("d_model"), c.integer("n_head")
    both_ways = c.word("attn_type", ("bi", "uni")) == "bi"
    if c.has("reuse_len") or c.flag("bi_data"):
        c.refuse("reuse_len" if c.has("reuse_len") else "bi_data", "training in segments")
    per_head = c.head_width(width, heads, "d_head")
    if per_head * heads != width:
        c.contradiction("d_head", "the class takes width / heads")
    memory = c.optional("mem_len", 0, low=0) or None
    attend = RelativeAttention(heads, per_head, memory=memory, both_ways=both_ways)
    blocks: list[Block] = [attend, Norm("layer"), plain_mlp(c, "d_inner", bias=True), Norm("layer")]
    layers = same_layers(c, blocks, "n_layer")
    # one vector stands for masked tokens, which a language model does not meet
    embedding: list[Block] = [Table(c.integer("vocab_size")), Held(width)]
    tied = c.flag("tie_word_embeddings")
    head: list[Block] = [Head(c.integer("vocab_size"), tied=tied, bias=True)]
    return decoder(c, layers, width=width, embedding=embedding, head=head)
