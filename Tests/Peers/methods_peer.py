#!/usr/bin/env python3
"""Prompt learning methods on CLIP in plain PyTorch: CoOp, Co-CoOp, deep vision, deep language and independent prompting.

For checking and timing `maple bench --dump DIR --method METHOD`; maple itself needs no Python. Written from the equations
of the papers. Where text prompts are learned, every step computes all 77 places of every class, and Co-CoOp does so for
every image; deep vision prompting computes its fixed text features once. Weights are frozen, numbers are 32-bit.

DIR is a folder with a CLIP in the Hugging Face layout, batch.safetensors (images, labels, tokens) and expected.json
(classnames, template, labels), as torch_peer.py --dump writes it. With --dump, starting values, loss, logits and gradients
go to DIR/METHOD.json and DIR/METHOD.safetensors, which maple reads; without it, the starting values are read from there.

  methods_peer.py DIR --method coop --dump --threads 2 --steps 3
  maple bench --dump DIR --method coop --threads 2 --steps 3

The result is one JSON object on standard output.
"""
import argparse, json, os, resource, statistics, struct, time
import torch
import torch.nn.functional as F

TYPES = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64, "I32": torch.int32}


def read(path):
    """The tensors of a safetensors file."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        head = json.loads(f.read(size))
        body = bytearray(f.read())
    out = {}
    for name, e in head.items():
        if name != "__metadata__":
            a, b = e["data_offsets"]
            out[name] = torch.frombuffer(body, dtype=TYPES[e["dtype"]], count=(b - a) // TYPES[e["dtype"]].itemsize, offset=a).reshape(e["shape"])
    return out


def write(path, tensors):
    head, parts, at = {}, [], 0
    for name, t in tensors.items():
        raw = t.detach().contiguous().float().numpy().tobytes()
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


class Clip:
    def __init__(self, folder):
        self.w = {k: v.float() for k, v in read(os.path.join(folder, "model.safetensors")).items() if not k.endswith("position_ids")}
        c = json.load(open(os.path.join(folder, "config.json")))
        self.text, self.vision = c["text_config"], c["vision_config"]
        self.patch = self.vision["patch_size"]

    def block(self, x, p, heads, causal):
        w, (n, t, d) = self.w, x.shape
        h = F.layer_norm(x, (d,), w[p + "layer_norm1.weight"], w[p + "layer_norm1.bias"])
        q, k, v = (F.linear(h, w[f"{p}self_attn.{c}_proj.weight"], w[f"{p}self_attn.{c}_proj.bias"]).view(n, t, heads, d // heads).transpose(1, 2) for c in "qkv")
        a = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(n, t, d)
        x = x + F.linear(a, w[p + "self_attn.out_proj.weight"], w[p + "self_attn.out_proj.bias"])
        h = F.layer_norm(x, (d,), w[p + "layer_norm2.weight"], w[p + "layer_norm2.bias"])
        h = F.linear(h, w[p + "mlp.fc1.weight"], w[p + "mlp.fc1.bias"])
        return x + F.linear(h * torch.sigmoid(1.702 * h), w[p + "mlp.fc2.weight"], w[p + "mlp.fc2.bias"])

    def encode_text(self, tokens, prompts, shift=None):
        """(classes, embedding) of (classes, 77) tokens: prompts[i], (n, d), stand behind the start token in block i."""
        w, d = self.w, self.text["hidden_size"]
        x = F.embedding(tokens, w["text_model.embeddings.token_embedding.weight"])
        n = prompts[0].shape[0] if prompts else 0
        if n:
            first = prompts[0] if shift is None else prompts[0] + shift
            x = torch.cat([x[:, :1], first.expand(len(x), -1, -1), x[:, 1 + n:]], 1)
        x = x + w["text_model.embeddings.position_embedding.weight"]
        for i in range(self.text["num_hidden_layers"]):
            if 0 < i < len(prompts):
                x = torch.cat([x[:, :1], prompts[i].expand(len(x), -1, -1), x[:, 1 + n:]], 1)
            x = self.block(x, f"text_model.encoder.layers.{i}.", self.text["num_attention_heads"], True)
        x = F.layer_norm(x, (d,), w["text_model.final_layer_norm.weight"], w["text_model.final_layer_norm.bias"])
        return F.linear(x[torch.arange(len(x)), tokens.argmax(-1)], w["text_projection.weight"])

    def encode_image(self, pixels, prompts):
        """(images, embedding): prompts[i], (n, d), are the last tokens of block i."""
        w, d = self.w, self.vision["hidden_size"]
        x = F.conv2d(pixels, w["vision_model.embeddings.patch_embedding.weight"], stride=self.patch).flatten(2).transpose(1, 2)
        x = torch.cat([w["vision_model.embeddings.class_embedding"].expand(len(x), 1, -1), x], 1)
        x = x + w["vision_model.embeddings.position_embedding.weight"]
        n = prompts[0].shape[0] if prompts else 0
        if n:
            x = torch.cat([x, prompts[0].expand(len(x), -1, -1)], 1)
        x = F.layer_norm(x, (d,), w["vision_model.pre_layrnorm.weight"], w["vision_model.pre_layrnorm.bias"])
        for i in range(self.vision["num_hidden_layers"]):
            if 0 < i < len(prompts):
                x = torch.cat([x[:, :-n], prompts[i].expand(len(x), -1, -1)], 1)
            x = self.block(x, f"vision_model.encoder.layers.{i}.", self.vision["num_attention_heads"], False)
        x = F.layer_norm(x[:, 0], (d,), w["vision_model.post_layernorm.weight"], w["vision_model.post_layernorm.bias"])
        return F.linear(x, w["visual_projection.weight"])


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


class Method:
    def __init__(self, clip, tokens, name, context, depth, seed, start):
        self.clip, self.tokens, self.name, self.depth = clip, tokens, name, depth
        t, v, e = clip.text["hidden_size"], clip.vision["hidden_size"], clip.w["text_projection.weight"].shape[0]
        g = torch.Generator().manual_seed(seed)
        normal = lambda *s: torch.randn(*s, generator=g) * 0.02
        p = {}
        if name != "vision":
            p["prompt_learner.ctx"] = F.embedding(tokens[0, 1:1 + context], clip.w["text_model.embeddings.token_embedding.weight"]).clone()
        if name == "cocoop":
            uniform = lambda bound, *s: (torch.rand(*s, generator=g) * 2 - 1) * bound
            h = e // 16
            p["prompt_learner.meta_net.linear1.weight"], p["prompt_learner.meta_net.linear1.bias"] = uniform(e ** -0.5, h, e), uniform(e ** -0.5, h)
            p["prompt_learner.meta_net.linear2.weight"], p["prompt_learner.meta_net.linear2.bias"] = uniform(h ** -0.5, t, h), uniform(h ** -0.5, t)
        if name in ("language", "independent"):
            p |= {f"text_encoder.transformer.resblocks.{i}.VPT_shallow": normal(context, t) for i in range(1, depth)}
        if name in ("vision", "independent"):
            p["image_encoder.VPT"] = normal(context, v)
            p |= {f"image_encoder.transformer.resblocks.{i}.VPT_shallow": normal(context, v) for i in range(1, depth)}
        self.p = {k: (start["init/" + k] if start else x).clone().requires_grad_(True) for k, x in p.items()}
        self.fixed = None
        if name == "vision":
            with torch.no_grad():
                self.fixed = unit(clip.encode_text(tokens, []))

    def deep(self, first, tower):
        return [self.p[first]] + [self.p[k] for i in range(1, self.depth) if (k := f"{tower}.transformer.resblocks.{i}.VPT_shallow") in self.p]

    def text_prompts(self):
        return self.deep("prompt_learner.ctx", "text_encoder") if "prompt_learner.ctx" in self.p else []

    def text_features(self):
        return self.fixed if self.fixed is not None else unit(self.clip.encode_text(self.tokens, self.text_prompts()))

    def image_features(self, pixels):
        return unit(self.clip.encode_image(pixels, self.deep("image_encoder.VPT", "image_encoder") if "image_encoder.VPT" in self.p else []))

    def conditional(self, image):
        """Logits of one image with its own text features."""
        q = lambda k: self.p["prompt_learner.meta_net." + k]
        shift = F.linear(F.relu(F.linear(image, q("linear1.weight"), q("linear1.bias"))), q("linear2.weight"), q("linear2.bias"))
        return image @ unit(self.clip.encode_text(self.tokens, self.text_prompts(), shift)).t()

    def logits(self, pixels, text=None):
        image = self.image_features(pixels)
        scale = self.clip.w["logit_scale"].exp()
        if self.name == "cocoop":
            return scale * torch.stack([self.conditional(x) for x in image])
        return scale * image @ (self.text_features() if text is None else text).t()


def sgd(params, state, lr, momentum=0.9, decay=5e-4):
    with torch.no_grad():
        for k, p in params.items():
            d = p.grad + decay * p
            state[k] = d if k not in state else momentum * state[k] + d
            p -= lr * state[k]
            p.grad = None


def main():
    q = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    q.add_argument("folder")
    usual = {"coop": (4, 1), "cocoop": (4, 1), "vision": (8, 12), "language": (4, 12), "independent": (2, 12)}
    q.add_argument("--method", choices=usual, required=True)
    q.add_argument("--context", type=int, help="learned tokens; default: the paper's")
    q.add_argument("--depth", type=int, help="prompted blocks; default: the paper's, or all")
    q.add_argument("--dump", action="store_true", help="draw starting values and write the expected numbers")
    q.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    q.add_argument("--warmup", type=int, default=1)
    q.add_argument("--steps", type=int, default=3)
    q.add_argument("--eval-images", type=int, default=16)
    q.add_argument("--lr", type=float, default=0.0035)
    q.add_argument("--seed", type=int, default=1)
    a = q.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    clip, batch = Clip(a.folder), read(os.path.join(a.folder, "batch.safetensors"))
    pixels, labels, tokens = batch["images"].float(), batch["labels"].long(), batch["tokens"].long()
    if a.method == "vision":
        layers = clip.vision["num_hidden_layers"]
    else:
        layers = min(clip.text["num_hidden_layers"], clip.vision["num_hidden_layers"] if a.method == "independent" else 1 << 30)
    own = os.path.join(a.folder, a.method)
    start = None
    if a.dump:
        a.context, a.depth = a.context or usual[a.method][0], a.depth or min(usual[a.method][1], layers)
    else:
        known, start = json.load(open(own + ".json")), read(own + ".safetensors")
        a.context, a.depth = known["context"], known["depth"]
    m = Method(clip, tokens, a.method, a.context, a.depth, a.seed, start)
    if a.dump:
        logits = m.logits(pixels)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        write(own + ".safetensors", {"logits": logits, **{"init/" + k: p for k, p in m.p.items()}, **{"grad/" + k: p.grad for k, p in m.p.items()}})
        json.dump({"method": a.method, "context": a.context, "depth": a.depth, "loss": loss.item(),
                   "grad_norms": {k: p.grad.norm().item() for k, p in m.p.items()}}, open(own + ".json", "w"), indent=1)
        for p in m.p.values():
            p.grad = None
        del logits, loss
    state, times, processor, losses = {}, [], [], []
    for k in range(a.warmup + a.steps):
        began, used = time.perf_counter(), time.process_time()
        loss = F.cross_entropy(m.logits(pixels), labels)
        loss.backward()
        sgd(m.p, state, a.lr)
        losses.append(loss.item())
        if k >= a.warmup:
            times.append(time.perf_counter() - began)
            processor.append(time.process_time() - used)
    loss = None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = None
    if a.eval_images:
        with torch.inference_mode():
            text = None if a.method == "cocoop" else m.text_features()
            began, done = time.perf_counter(), 0
            while done < a.eval_images:
                m.logits(pixels, text)
                done += len(pixels)
            rate = done / (time.perf_counter() - began)
    print(json.dumps({
        "method": a.method, "context": a.context, "depth": a.depth, "classes": len(tokens), "batch": len(pixels),
        "trainable_parameters": sum(p.numel() for p in m.p.values()), "threads": torch.get_num_threads(), "torch": torch.__version__,
        "step_s_median": statistics.median(times) if times else None, "step_s": times, "step_processor_s": processor, "losses": losses,
        "eval_images_per_s": rate, "peak_rss_train_mib": peak}))


if __name__ == "__main__":
    main()
