"""Published architectures with random weights, so small that one pass costs milliseconds; `make zoo` inspects them.

MODELS is {library: {architecture: a function without arguments}}; the function gives (model, inputs, keyword inputs).
As they stand here they are sound, but for PUBLISHED: dropout is where their authors put it, and none of it reaches a
BatchNorm.
"""

from collections import defaultdict
from importlib import import_module

import torch
import torch.nn.functional as F
from torch import nn

MODELS, LENGTH = defaultdict(dict), 7  # LENGTH: steps of a text
# Right findings: these have a fault as they are published. The word is one that the finding says.
PUBLISHED = {
    ("monai", "dynunet"): "output",  # its output block drops
    ("vit_pytorch", "cait_lucid"): "evaluation",  # it skips layers in evaluation, too
    ("torch_geometric", "appnp"): "already dropped",  # each step drops from what the step before left of the weights
}


def model(library):
    """Puts the function below it into MODELS, under its own name."""

    def put(build):
        MODELS[library][build.__name__.strip("_")] = build
        return build

    return put


def images(size=32, n=4, channels=3):
    return torch.randn(n, channels, size, size)


def tokens(n=3, length=LENGTH, vocabulary=50):
    return torch.randint(4, vocabulary, (n, length))


# torch: the examples that everybody copies


@model("torch")
def mnist_2017():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
            self.conv2_drop = nn.Dropout2d()
            self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

        def forward(self, x):
            x = F.relu(F.max_pool2d(self.conv1(x), 2))
            x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2)).view(-1, 320)
            x = F.dropout(F.relu(self.fc1(x)), training=self.training)
            return F.log_softmax(self.fc2(x), dim=1)

    return Net(), (images(28, channels=1),), {}


@model("torch")
def mnist_2020():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, 1), nn.Conv2d(8, 16, 3, 1)
            self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(16 * 144, 32), nn.Linear(32, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
            x = self.dropout2(F.relu(self.fc1(torch.flatten(self.dropout1(x), 1))))
            return F.log_softmax(self.fc2(x), dim=1)

    return Net(), (images(28, channels=1),), {}


@model("torch")
def alexnet():
    def conv(i, o, k, **how):
        return [nn.Conv2d(i, o, k, **how), nn.ReLU(inplace=True)]

    features = nn.Sequential(
        *conv(3, 8, 5, stride=2), nn.MaxPool2d(3, 2), *conv(8, 12, 3, padding=1), *conv(12, 8, 3, padding=1)
    )
    head = [nn.Dropout(), nn.Linear(32, 24), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(24, 24)]
    layers = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), *head, nn.ReLU(inplace=True), nn.Linear(24, 10)]
    return nn.Sequential(features, *layers), (images(),), {}


@model("torch")
def word_language_model():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop, self.encoder = nn.Dropout(0.2), nn.Embedding(50, 16)
            self.rnn, self.decoder = nn.LSTM(16, 16, 2, dropout=0.2), nn.Linear(16, 50)

        def forward(self, words, hidden=None):
            output, hidden = self.rnn(self.drop(self.encoder(words)), hidden)
            return F.log_softmax(self.decoder(self.drop(output)).view(-1, 50), dim=1), hidden

    return Net(), (tokens().T,), {}


@model("torch")
def transformer():
    return nn.Transformer(16, 2, 2, 2, 32, batch_first=True), (torch.randn(3, 6, 16), torch.randn(3, 5, 16)), {}


@model("torch")
def transformer_encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    padding = torch.arange(6) >= torch.tensor([[6], [4], [5]])
    return nn.TransformerEncoder(layer, 2), (torch.randn(3, 6, 16),), {"src_key_padding_mask": padding}


@model("torch")
def text_cnn():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.convs = nn.Embedding(50, 16), nn.ModuleList(nn.Conv2d(1, 8, (k, 16)) for k in (2, 3, 4))
            self.dropout, self.fc = nn.Dropout(0.5), nn.Linear(24, 4)

        def forward(self, x):
            x = [F.relu(conv(self.embed(x).unsqueeze(1))).squeeze(3) for conv in self.convs]
            return self.fc(self.dropout(torch.cat([F.max_pool1d(i, i.size(2)).squeeze(2) for i in x], 1)))

    return Net(), (tokens(),), {}


@model("torch")
def batchnorm_mlp():
    def block(i, o):
        return [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]

    return nn.Sequential(*block(16, 32), *block(32, 32), nn.Dropout(0.3), nn.Linear(32, 4)), (torch.randn(8, 16),), {}


@model("torch")
def selu_alpha():
    layers = [nn.Linear(16, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 32), nn.SELU(), nn.AlphaDropout(0.1)]
    return nn.Sequential(*layers, nn.Linear(32, 4)), (torch.randn(8, 16),), {}


@model("torch")
def variational_lstm():
    class Net(nn.Module):  # one mask for all steps of a sequence, after Gal and Ghahramani
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.head = nn.Embedding(50, 16), nn.GRU(16, 16, batch_first=True), nn.Linear(16, 50)

        def locked(self, x):
            return x * F.dropout(x.new_ones(len(x), 1, x.shape[2]), 0.3, self.training)

        def forward(self, x):
            return self.head(self.locked(self.rnn(self.locked(self.embed(x)))[0]))

    return Net(), (tokens(),), {}


@model("torch")
def awd_lstm():
    class Net(nn.Module):  # after Merity and others 2018: time comes first, and a mask is held over it
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(50, 16), nn.Linear(16, 50)
            self.rnns = nn.ModuleList(nn.LSTM(16, 16) for _ in range(2))

        def locked(self, x, p):
            if not self.training:
                return x
            return x.new_empty(1, x.size(1), x.size(2)).bernoulli_(1 - p).div(1 - p) * x

        def forward(self, words):
            x = self.locked(self.embed(words), 0.3)
            for rnn in self.rnns:
                x = self.locked(rnn(x)[0], 0.2)
            return self.head(x)

    return Net(), (tokens().T,), {}


class CausalSelfAttention(nn.Module):
    """As in nanoGPT: with torch's fused attention, or by hand."""

    def __init__(self, fused):
        super().__init__()
        self.c_attn, self.c_proj, self.fused, self.dropout = nn.Linear(16, 48), nn.Linear(16, 16), fused, 0.2
        self.attn_dropout, self.resid_dropout = nn.Dropout(0.2), nn.Dropout(0.2)

    def forward(self, x):
        (b, t, c), heads = x.shape, 2
        q, k, v = (z.view(b, t, heads, c // heads).transpose(1, 2) for z in self.c_attn(x).split(c, 2))
        if self.fused:
            p = self.dropout if self.training else 0
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        else:
            ahead = torch.ones(t, t, dtype=torch.bool).triu(1)
            scores = (q @ k.transpose(2, 3) / (c // heads) ** 0.5).masked_fill(ahead, float("-inf"))
            y = self.attn_dropout(F.softmax(scores, -1)) @ v
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).reshape(b, t, c)))


def gpt(fused):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1, self.ln_2, self.attn = nn.LayerNorm(16), nn.LayerNorm(16), CausalSelfAttention(fused)
            self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16), nn.Dropout(0.2))

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe, self.drop = nn.Embedding(50, 16), nn.Embedding(LENGTH, 16), nn.Dropout(0.2)
            self.blocks, self.ln_f = nn.Sequential(Block(), Block()), nn.LayerNorm(16)
            self.lm_head = nn.Linear(16, 50, bias=False)
            self.wte.weight = self.lm_head.weight

        def forward(self, idx, targets=None):
            x = self.drop(self.wte(idx) + self.wpe(torch.arange(idx.shape[1])))
            logits = self.lm_head(self.ln_f(self.blocks(x)))
            loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, loss

    return GPT(), (tokens(), tokens()), {}


@model("torch")
def nano_gpt():
    return gpt(fused=False)


@model("torch")
def nano_gpt_fused():
    return gpt(fused=True)


@model("torch")
def segmenter():
    def block(i, o, k=3):
        return [nn.Conv2d(i, o, k, padding=k // 2), nn.ReLU()]

    layers = [*block(3, 8), nn.MaxPool2d(2), *block(8, 8), nn.Dropout(0.2), nn.Upsample(scale_factor=2), *block(8, 8)]
    return nn.Sequential(*layers, nn.Conv2d(8, 3, 1)), (images(16),), {}


# transformers

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = {**SMALL, "vocab_size": 50, "max_position_embeddings": 40}
SEEN = {**SMALL, "image_size": 32, "patch_size": 8}
PAIR = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "vocab_size": 50}
PAIR |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 40}
SPEECH = {**SMALL, "conv_dim": (8, 8), "conv_kernel": (10, 3), "conv_stride": (5, 2), "vocab_size": 50}
SPEECH |= {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "num_feat_extract_layers": 2}
SPEECH |= {"mask_time_length": 2, "mask_feature_length": 2}

HUGGING = {  # architecture: (configuration, model, arguments of the configuration, what goes in)
    "bert": ("BertConfig", "BertForSequenceClassification", TEXT, "text"),
    "bert_masked": ("BertConfig", "BertForMaskedLM", TEXT, "text"),
    "bert_eager": ("BertConfig", "BertForTokenClassification", TEXT | {"attn_implementation": "eager"}, "text"),
    "roberta": ("RobertaConfig", "RobertaForSequenceClassification", TEXT | {"pad_token_id": 1}, "text"),
    "distilbert": (
        "DistilBertConfig",
        "DistilBertForSequenceClassification",
        {"vocab_size": 50, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40},
        "text",
    ),
    "albert": ("AlbertConfig", "AlbertForSequenceClassification", TEXT | {"embedding_size": 8}, "text"),
    "electra": ("ElectraConfig", "ElectraForSequenceClassification", TEXT | {"embedding_size": 8}, "text"),
    "deberta": ("DebertaConfig", "DebertaForSequenceClassification", TEXT, "text"),
    "deberta_v2": ("DebertaV2Config", "DebertaV2ForSequenceClassification", TEXT, "text"),
    "mpnet": ("MPNetConfig", "MPNetForSequenceClassification", TEXT, "text"),
    "xlnet": (
        "XLNetConfig",
        "XLNetForSequenceClassification",
        {"vocab_size": 50, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
        "text",
    ),
    "fnet": ("FNetConfig", "FNetForSequenceClassification", TEXT, "text"),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", {"vocab_size": 50, "n_embd": 16, "n_layer": 2, "n_head": 2}, "text"),
    "gpt_neo": (
        "GPTNeoConfig",
        "GPTNeoForCausalLM",
        {"vocab_size": 50, "hidden_size": 16, "num_layers": 2, "num_heads": 2, "attention_types": [[["global"], 2]]}
        | {"attention_dropout": 0.1, "embed_dropout": 0.1, "resid_dropout": 0.1, "max_position_embeddings": 40},
        "text",
    ),
    "gpt_neox": (
        "GPTNeoXConfig",
        "GPTNeoXForCausalLM",
        TEXT | {"hidden_dropout": 0.1, "attention_dropout": 0.1},
        "text",
    ),
    "opt": (
        "OPTConfig",
        "OPTForCausalLM",
        TEXT | {"ffn_dim": 32, "word_embed_proj_dim": 16, "attention_dropout": 0.1},
        "text",
    ),
    "bloom": (
        "BloomConfig",
        "BloomForCausalLM",
        {"vocab_size": 50, "hidden_size": 16, "n_layer": 2, "n_head": 2, "hidden_dropout": 0.1},
        "text",
    ),
    "llama": ("LlamaConfig", "LlamaForCausalLM", TEXT | {"attention_dropout": 0.1, "num_key_value_heads": 1}, "text"),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", TEXT | {"attention_dropout": 0.1, "num_key_value_heads": 1}, "text"),
    "phi": ("PhiConfig", "PhiForCausalLM", TEXT | {"resid_pdrop": 0.1, "embd_pdrop": 0.1}, "text"),
    "mamba": ("MambaConfig", "MambaForCausalLM", {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2}, "text"),
    "t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {"vocab_size": 50, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
        | {"decoder_start_token_id": 0},
        "labels",
    ),
    "bart": ("BartConfig", "BartForConditionalGeneration", PAIR | {"attention_dropout": 0.1}, "labels"),
    "pegasus": ("PegasusConfig", "PegasusForConditionalGeneration", PAIR | {"pad_token_id": 0}, "labels"),
    "marian": ("MarianConfig", "MarianMTModel", PAIR | {"pad_token_id": 0, "decoder_start_token_id": 0}, "labels"),
    "vit": ("ViTConfig", "ViTForImageClassification", SEEN | {"hidden_dropout_prob": 0.1}, "image"),
    "deit": ("DeiTConfig", "DeiTForImageClassification", SEEN | {"hidden_dropout_prob": 0.1}, "image"),
    "beit": ("BeitConfig", "BeitForImageClassification", SEEN | {"hidden_dropout_prob": 0.1}, "image"),
    "dinov2": ("Dinov2Config", "Dinov2ForImageClassification", SEEN | {"drop_path_rate": 0.1}, "image"),
    "swin": (
        "SwinConfig",
        "SwinForImageClassification",
        {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
        | {"drop_path_rate": 0.1, "hidden_dropout_prob": 0.1},
        "image",
    ),
    "convnext": (
        "ConvNextConfig",
        "ConvNextForImageClassification",
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "drop_path_rate": 0.1, "patch_size": 2},
        "image",
    ),
    "segformer": (
        "SegformerConfig",
        "SegformerForImageClassification",
        {"depths": [1, 1], "hidden_sizes": [8, 16], "num_attention_heads": [1, 2], "sr_ratios": [2, 1]}
        | {"num_encoder_blocks": 2, "patch_sizes": [7, 3], "strides": [4, 2], "mlp_ratios": [2, 2]}
        | {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1},
        "image",
    ),
    "resnet": (
        "ResNetConfig",
        "ResNetForImageClassification",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
        "image",
    ),
    "regnet": (
        "RegNetConfig",
        "RegNetForImageClassification",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 8},
        "image",
    ),
    "mobilenet_v2": (
        "MobileNetV2Config",
        "MobileNetV2ForImageClassification",
        {"depth_multiplier": 0.35, "image_size": 32, "classifier_dropout_prob": 0.2},
        "image",
    ),
    "clip_vision": ("CLIPVisionConfig", "CLIPVisionModel", SEEN | {"attention_dropout": 0.1}, "image"),
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2ForCTC", SPEECH, "sound"),
    "hubert": ("HubertConfig", "HubertForCTC", SPEECH, "sound"),
    "whisper": (
        "WhisperConfig",
        "WhisperForConditionalGeneration",
        PAIR
        | {"num_mel_bins": 8, "max_source_positions": 12, "max_target_positions": 20, "dropout": 0.1}
        | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3},
        "mel",
    ),
    "patchtst": (
        "PatchTSTConfig",
        "PatchTSTForRegression",
        {"num_input_channels": 2, "context_length": 16, "patch_length": 4, "patch_stride": 4, "d_model": 16}
        | {"num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32, "attention_dropout": 0.1}
        | {"path_dropout": 0.1, "head_dropout": 0.1, "positional_dropout": 0.1, "norm_type": "layernorm"},
        "series",
    ),
}
INPUTS = {
    "text": lambda: {"input_ids": tokens(), "attention_mask": torch.arange(7) < torch.tensor([[7], [5], [6]])},
    "labels": lambda: {"input_ids": tokens(), "labels": tokens()},
    "image": lambda: {"pixel_values": images()},
    "sound": lambda: {"input_values": torch.randn(2, 400)},
    "mel": lambda: {"input_features": torch.randn(2, 8, 24), "decoder_input_ids": tokens(2, 5)},
    "series": lambda: {"past_values": torch.randn(3, 16, 2)},
}


def hugging(name):
    def build():
        transformers = import_module("transformers")
        configuration, architecture, arguments, inputs = HUGGING[name]
        arguments = {"num_labels": 3, "use_cache": False} | arguments
        configured = getattr(transformers, configuration)(**arguments)
        given = {key: value.long() if value.dtype is torch.bool else value for key, value in INPUTS[inputs]().items()}
        return getattr(transformers, architecture)(configured), (), given

    return build


MODELS["transformers"] = {name: hugging(name) for name in HUGGING}

# torch_geometric


def graph(features=16):
    edges = torch.randint(0, 12, (2, 40))
    return torch.randn(12, features), torch.cat([edges, edges.flip(0)], 1)


def graph_model(name, **how):
    def build():
        network = getattr(import_module("torch_geometric.nn"), name)
        return network(16, 8, 2, out_channels=4, dropout=0.5, **how), graph(), {}

    return build


MODELS["torch_geometric"] = {
    "gcn": graph_model("GCN"),
    "gat": graph_model("GAT", heads=2),
    "gat_v2": graph_model("GAT", v2=True, heads=2),
    "graph_sage": graph_model("GraphSAGE"),
    "gin": graph_model("GIN"),
    "edge_cnn": graph_model("EdgeCNN", norm=None),
    "gcn_batchnorm": lambda: (import_module("torch_geometric.nn").GCN(16, 8, 2, 4, norm="batch_norm"), graph(), {}),
    "gcn_jumping": graph_model("GCN", jk="cat"),
}


def two_convolutions(first, second, before, p):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = first, second

        def forward(self, x, edges):
            x = F.dropout(x, p, self.training) if before else x
            x = F.elu(self.conv1(x, edges))
            x = F.dropout(x, p=p, training=self.training)
            return F.log_softmax(self.conv2(x, edges), dim=1)

    return Net(), graph(), {}


@model("torch_geometric")
def gcn_tutorial():
    nets = import_module("torch_geometric.nn")
    return two_convolutions(nets.GCNConv(16, 8), nets.GCNConv(8, 4), False, 0.5)


@model("torch_geometric")
def gat_tutorial():
    nets = import_module("torch_geometric.nn")
    return two_convolutions(
        nets.GATConv(16, 4, heads=2, dropout=0.6), nets.GATConv(8, 4, concat=False, dropout=0.6), True, 0.6
    )


@model("torch_geometric")
def transformer_tutorial():
    nets = import_module("torch_geometric.nn")
    return two_convolutions(
        nets.TransformerConv(16, 4, heads=2, dropout=0.1), nets.TransformerConv(8, 4, dropout=0.1), False, 0.5
    )


@model("torch_geometric")
def appnp():
    nets = import_module("torch_geometric.nn")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin1, self.lin2, self.prop = nn.Linear(16, 8), nn.Linear(8, 4), nets.APPNP(3, 0.1, dropout=0.5)

        def forward(self, x, edges):
            x = F.dropout(F.relu(self.lin1(F.dropout(x, training=self.training))), training=self.training)
            return F.log_softmax(self.prop(self.lin2(x), edges), dim=1)

    return Net(), graph(), {}


# monai


def medical(name, size=None, **how):
    def build():
        network = getattr(import_module("monai.networks.nets"), name)
        return network(**how), (images(size or 32, 2, how.get("in_channels", 1)),), {}

    return build


MODELS["monai"] = {
    "unet_instance": medical(
        "UNet", spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 8), strides=(2, 2), dropout=0.2
    ),
    "unet_batch_without_dropout": medical(
        "UNet", spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 8), strides=(2, 2), norm="BATCH"
    ),
    "segresnet": medical("SegResNet", spatial_dims=2, init_filters=8, in_channels=1, out_channels=2, dropout_prob=0.2),
    "basic_unet": medical(
        "BasicUNet", spatial_dims=2, in_channels=1, out_channels=2, features=(4, 4, 8, 8, 8, 4), dropout=0.2
    ),
    "vit_medical": medical(
        "ViT", in_channels=1, img_size=(32, 32), patch_size=(8, 8), hidden_size=16, mlp_dim=32, num_layers=2,
        num_heads=2, spatial_dims=2, classification=True, num_classes=3, dropout_rate=0.1,
    ),
    "unetr": medical(
        "UNETR", in_channels=1, out_channels=2, img_size=(32, 32), feature_size=4, hidden_size=24, mlp_dim=32,
        num_heads=2, spatial_dims=2, dropout_rate=0.1,
    ),
    "swin_unetr": medical(
        "SwinUNETR", 64, in_channels=1, out_channels=2, feature_size=12, spatial_dims=2, depths=(1, 1, 1, 1),
        num_heads=(1, 1, 1, 1), drop_rate=0.1, attn_drop_rate=0.1, dropout_path_rate=0.1,
    ),
    "dynunet": medical(
        "DynUNet", spatial_dims=2, in_channels=1, out_channels=2, kernel_size=(3, 3, 3), strides=(1, 2, 2),
        upsample_kernel_size=(2, 2), filters=(4, 8, 8), dropout=0.2,
    ),
    "regressor": medical(
        "Regressor", in_shape=(1, 32, 32), out_shape=(2,), channels=(4, 8), strides=(2, 2), dropout=0.2,
        norm="INSTANCE",
    ),
    "dense_net_without_dropout": medical(
        "DenseNet", spatial_dims=2, in_channels=1, out_channels=2, init_features=8, growth_rate=4, block_config=(2, 2),
    ),
    "attention_unet_without_dropout": medical(
        "AttentionUnet", spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 8), strides=(2, 2), dropout=0.0,
    ),
}  # fmt: skip


@model("monai")
def fully_connected():
    network = import_module("monai.networks.nets").FullyConnectedNet
    return network(16, 4, [24, 24], dropout=0.2, adn_ordering="AD"), (torch.randn(8, 16),), {}


# x-transformers


@model("x_transformers")
def decoder():
    x = import_module("x_transformers")
    rates = {"attn_dropout": 0.1, "ff_dropout": 0.1, "layer_dropout": 0.1}
    layers = x.Decoder(dim=16, depth=2, heads=2, attn_dim_head=8, **rates)
    return x.TransformerWrapper(num_tokens=50, max_seq_len=16, emb_dropout=0.1, attn_layers=layers), (tokens(),), {}


@model("x_transformers")
def encoder_rotary():
    x = import_module("x_transformers")
    layers = x.Encoder(dim=16, depth=2, heads=2, attn_dim_head=8, attn_dropout=0.1, ff_dropout=0.1, rotary_pos_emb=True)
    return x.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=layers), (tokens(),), {}


@model("x_transformers")
def vision_wrapper():
    x = import_module("x_transformers")
    layers = x.Encoder(dim=16, depth=2, heads=2, attn_dim_head=8, attn_dropout=0.1, ff_dropout=0.1)
    wrapper = x.ViTransformerWrapper(image_size=32, patch_size=8, num_classes=3, emb_dropout=0.1, attn_layers=layers)
    return wrapper, (images(),), {}


@model("x_transformers")
def continuous():
    x = import_module("x_transformers")
    layers = x.Decoder(dim=16, depth=2, heads=2, attn_dim_head=8, attn_dropout=0.1, ff_dropout=0.1, ff_glu=True)
    wrapper = x.ContinuousTransformerWrapper(dim_in=4, dim_out=4, max_seq_len=16, emb_dropout=0.1, attn_layers=layers)
    return wrapper, (torch.randn(3, 9, 4),), {}


# timm


def picture(module, name, size=32, **how):
    def build():
        architecture = getattr(import_module(f"timm.models.{module}"), name)
        return architecture(num_classes=4, **how), (images(size),), {}

    return build


def from_timm(name, size=32, **how):
    def build():
        return import_module("timm").create_model(name, num_classes=4, **how), (images(size, 2),), {}

    return build


VISION = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}
MODELS["timm"] = {
    "vision_transformer": picture(
        "vision_transformer", "VisionTransformer", **VISION, drop_rate=0.1, proj_drop_rate=0.1, attn_drop_rate=0.1,
        drop_path_rate=0.1, pos_drop_rate=0.1,
    ),
    "patch_dropout": picture("vision_transformer", "VisionTransformer", **VISION, patch_drop_rate=0.3),
    "eva": picture("eva", "Eva", **VISION, drop_rate=0.1, proj_drop_rate=0.1, attn_drop_rate=0.1),
    "swin_timm": picture(
        "swin_transformer", "SwinTransformer", img_size=32, patch_size=4, embed_dim=8, depths=(1, 1),
        num_heads=(1, 2), window_size=4, drop_rate=0.1, proj_drop_rate=0.1, attn_drop_rate=0.1, drop_path_rate=0.1,
    ),
    "mixer": picture(
        "mlp_mixer", "MlpMixer", img_size=32, patch_size=8, num_blocks=2, embed_dim=16, proj_drop_rate=0.1,
        drop_rate=0.1, drop_path_rate=0.1,
    ),
    "convnext_timm": picture(
        "convnext", "ConvNeXt", depths=(1, 1, 1, 1), dims=(8, 8, 16, 16), drop_rate=0.2, drop_path_rate=0.1
    ),
    "cait": picture("cait", "Cait", **VISION, depth_token_only=1, drop_rate=0.1, proj_drop_rate=0.1),
    "resnet_head": from_timm("resnet10t", drop_rate=0.2),
    "efficientnet_head": from_timm("mobilenetv3_small_050", drop_rate=0.2),
    "vgg_head": picture("vgg", "VGG", cfg=[8, "M", 8, "M"], mlp_ratio=0.01, drop_rate=0.5),
    "regnet_head": from_timm("regnetx_002", drop_rate=0.2),
    "ghostnet_head": from_timm("ghostnet_050", drop_rate=0.2),
}  # fmt: skip

# more


@model("vit_pytorch")
def deep_vit():
    network = import_module("vit_pytorch.deepvit").DeepViT
    how = {"dim": 16, "depth": 2, "heads": 2, "mlp_dim": 32, "dropout": 0.1, "emb_dropout": 0.1, "dim_head": 8}
    return network(image_size=32, patch_size=8, num_classes=3, **how), (images(),), {}


@model("vit_pytorch")
def vit_lucid():
    network = import_module("vit_pytorch.vit").ViT
    how = {"dim": 16, "depth": 2, "heads": 2, "mlp_dim": 32, "dropout": 0.1, "emb_dropout": 0.1, "dim_head": 8}
    return network(image_size=32, patch_size=8, num_classes=3, **how), (images(),), {}


@model("vit_pytorch")
def cait_lucid():
    network = import_module("vit_pytorch.cait").CaiT
    how = {"dim": 16, "depth": 2, "cls_depth": 1, "heads": 2, "mlp_dim": 32, "dropout": 0.1, "layer_dropout": 0.05}
    return network(image_size=32, patch_size=8, num_classes=3, **how), (images(),), {}


@model("rtdl_revisiting_models")
def ft_transformer():
    network = import_module("rtdl_revisiting_models").FTTransformer
    how = {"n_blocks": 2, "d_block": 16, "attention_n_heads": 2, "attention_dropout": 0.2, "ffn_d_hidden": None}
    how |= {"ffn_d_hidden_multiplier": 2.0, "ffn_dropout": 0.1, "residual_dropout": 0.1}
    return (
        network(n_cont_features=5, cat_cardinalities=[3, 4], d_out=2, **how),
        (
            torch.randn(6, 5),
            torch.randint(0, 3, (6, 2)),
        ),
        {},
    )


@model("rtdl_revisiting_models")
def mlp_tabular():
    network = import_module("rtdl_revisiting_models").MLP
    return network(d_in=16, d_out=3, n_blocks=2, d_block=24, dropout=0.2), (torch.randn(8, 16),), {}


@model("pytorch_tcn")
def tcn():
    return (
        import_module("pytorch_tcn").TCN(4, [8, 8], dropout=0.2, use_norm="weight_norm"),
        (torch.randn(3, 4, 20),),
        {},
    )
