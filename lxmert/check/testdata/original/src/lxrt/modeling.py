"""What the original calls its classes, over modules of transformers, whose parts have the original's names: tests take this
where no copy of the original is named."""

import torch
from torch import nn
from transformers import LxmertConfig
from transformers.models.lxmert import modeling_lxmert as parts

BertLayerNorm, GeLU = nn.LayerNorm, nn.GELU


class VISUAL_CONFIG:
    l_layers, x_layers, r_layers, visual_feat_dim, visual_pos_dim = 0, 0, 0, 0, 0
    visual_loss_config = {"obj": (0, "ce"), "attr": (0, "ce"), "feat": (0, "l2")}


class BertConfig:
    def __init__(self, vocab_size, **sizes):
        visual = {k: getattr(VISUAL_CONFIG, k) for k in ("l_layers", "x_layers", "r_layers", "visual_feat_dim", "visual_pos_dim")}
        self.whole = LxmertConfig(vocab_size=vocab_size, **sizes, **visual)


class LXRTModel(parts.LxmertModel):
    def __init__(self, config):
        super().__init__(config.whole)

    def forward(self, ids, segments, mask, visual_feats=None, visual_attention_mask=None):
        def added(mask):
            return None if mask is None else (1.0 - mask[:, None, None, :]) * -10000.0

        feats, boxes = visual_feats
        vision, lang, _ = self.encoder(self.embeddings(ids, segments), added(mask), visual_feats=feats, visual_pos=boxes,
                                       visual_attention_mask=added(visual_attention_mask))
        return (lang[0][-1], vision[0][-1]), self.pooler(lang[0][-1])


class BertLMPredictionHead(nn.Module):
    def __init__(self, config, words):
        super().__init__()
        self.transform = parts.LxmertPredictionHeadTransform(config.whole)
        self.decoder = nn.Linear(words.shape[1], words.shape[0], bias=False)
        self.decoder.weight = words
        self.bias = nn.Parameter(torch.zeros(words.shape[0]))

    def forward(self, x):
        return self.decoder(self.transform(x)) + self.bias


class BertVisualObjHead(nn.Module):
    def __init__(self, config, losses):
        super().__init__()
        self.transform = parts.LxmertPredictionHeadTransform(config.whole)
        hidden = config.whole.hidden_size
        self.decoder_dict = nn.ModuleDict({k: nn.Linear(hidden, VISUAL_CONFIG.visual_loss_config[k][0]) for k in losses.split(",")})

    def forward(self, x):
        x = self.transform(x)
        return {k: decoder(x) for k, decoder in self.decoder_dict.items()}


class BertVisualAnswerHead(nn.Module):
    def __init__(self, config, answers):
        super().__init__()
        hidden = config.whole.hidden_size
        self.logit_fc = nn.Sequential(nn.Linear(hidden, 2 * hidden), GeLU(), BertLayerNorm(2 * hidden, eps=1e-12), nn.Linear(2 * hidden, answers))

    def forward(self, x):
        return self.logit_fc(x)
