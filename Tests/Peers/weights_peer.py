"""CLIPs of published sizes with random weights, in OpenAI's names and containers, and what transformers makes of them.

    python3 Tests/Peers/weights_peer.py --shape ViT-L/14 --vocabulary FOLDER --out DIR
    maple inspect DIR/state-dict/model/ViT-L-14.pt
    maple doctor --goldens DIR

    python3 Tests/Peers/weights_peer.py --model sessions/demo/model --out DIR     # a Hugging Face folder as it is
    maple doctor --goldens DIR

DIR/state-dict holds the state dict in float32, by torch.save; DIR/archive the TorchScript archive, by torch.jit.save, with matrices
in float16 and the input size as buffers, as OpenAI publishes it. Beside each lie images, texts, and the features and logits that
transformers' CLIPModel gives for the same weights, in the format of the goldens.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

SHAPES = {
    "ViT-B/16": dict(vision=(768, 12, 16), text=(512, 12), embedding=512),
    "ViT-L/14": dict(vision=(1024, 24, 14), text=(768, 12), embedding=768),
    "small": dict(vision=(128, 2, 56), text=(64, 2), embedding=64),
}
DRAWN = ["white plain star", "red striped fish", "blue dotted key", "black outlined house"]
CLASSES = ["golden retriever", "tabby cat", "airplane", "annual crop land", "polka-dotted"]


def random_clip(shape, seed):
    (vd, vl, patch), (td, tl) = shape["vision"], shape["text"]
    config = CLIPConfig(
        projection_dim=shape["embedding"],
        text_config=dict(hidden_size=td, intermediate_size=4 * td, num_hidden_layers=tl, num_attention_heads=td // 64,
                         projection_dim=shape["embedding"], bos_token_id=49406, eos_token_id=49407, pad_token_id=0),
        vision_config=dict(hidden_size=vd, intermediate_size=4 * vd, num_hidden_layers=vl, num_attention_heads=vd // 64,
                           patch_size=patch, projection_dim=shape["embedding"]))
    torch.manual_seed(seed)
    model = CLIPModel(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(torch.randn_like(weight), alpha=0.05)
    return model


def openai_names(model):
    """The state dict under OpenAI's names: queries, keys and values in one matrix, projections transposed."""
    own = {name: value.detach().clone() for name, value in model.state_dict().items()}
    out = {}

    def tower(prefix, theirs, layers):
        for i in range(layers):
            a, b = f"{prefix}.encoder.layers.{i}.", f"{theirs}resblocks.{i}."
            for kind in ("weight", "bias"):
                out[b + "attn.in_proj_" + kind] = torch.cat([own[f"{a}self_attn.{part}_proj.{kind}"] for part in "qkv"])
                out[b + "attn.out_proj." + kind] = own[f"{a}self_attn.out_proj.{kind}"]
                out[b + "ln_1." + kind] = own[f"{a}layer_norm1.{kind}"]
                out[b + "mlp.c_fc." + kind] = own[f"{a}mlp.fc1.{kind}"]
                out[b + "mlp.c_proj." + kind] = own[f"{a}mlp.fc2.{kind}"]
                out[b + "ln_2." + kind] = own[f"{a}layer_norm2.{kind}"]

    out["positional_embedding"] = own["text_model.embeddings.position_embedding.weight"]
    out["text_projection"] = own["text_projection.weight"].T.contiguous()
    out["logit_scale"] = own["logit_scale"]
    out["visual.class_embedding"] = own["vision_model.embeddings.class_embedding"]
    out["visual.positional_embedding"] = own["vision_model.embeddings.position_embedding.weight"]
    out["visual.proj"] = own["visual_projection.weight"].T.contiguous()
    out["visual.conv1.weight"] = own["vision_model.embeddings.patch_embedding.weight"]
    tower("vision_model", "visual.transformer.", model.config.vision_config.num_hidden_layers)
    tower("text_model", "transformer.", model.config.text_config.num_hidden_layers)
    out["token_embedding.weight"] = own["text_model.embeddings.token_embedding.weight"]
    for kind in ("weight", "bias"):
        out["visual.ln_pre." + kind] = own["vision_model.pre_layrnorm." + kind]
        out["visual.ln_post." + kind] = own["vision_model.post_layernorm." + kind]
        out["ln_final." + kind] = own["text_model.final_layer_norm." + kind]
    return out


def halve(model):
    """Rounds to float16 what OpenAI's archives hold so: matrices and the biases of linear layers."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name and "embedding" not in name and name != "logit_scale" or "patch_embedding" in name:
                weight.copy_(weight.half().float())
    return model


def is_half(name):
    if name in ("text_projection", "visual.proj", "visual.conv1.weight"):
        return True
    return "resblocks" in name and "ln_" not in name


def archive(state, path, resolution):
    """A module that carries the state dict, saved as TorchScript."""

    class Part(torch.nn.Module):
        def forward(self, x):
            return x

    root = Part()
    for name, value in state.items():
        *folders, leaf = name.split(".")
        place = root
        for folder in folders:
            if folder not in place._modules:
                place.add_module(folder, Part())
            place = place._modules[folder]
        place.register_parameter(leaf, torch.nn.Parameter(value.half() if is_half(name) else value, requires_grad=False))
    for name, value in [("input_resolution", resolution), ("context_length", 77), ("vocab_size", 49408)]:
        root.register_buffer(name, torch.tensor(value))
    torch.jit.save(torch.jit.trace(root, torch.zeros(1)), path)


def expectations(model, folder, vocabulary, name, seed, classes=CLASSES):
    """Images, texts and transformers' features, as a case of zero-shot; name: the weights file, None for a whole folder."""
    tokenizer = CLIPTokenizer(str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"))
    prompts = [f"a photo of a {c}." for c in classes]
    side = model.config.vision_config.image_size
    tokens = torch.zeros(len(prompts), model.config.text_config.max_position_embeddings, dtype=torch.int64)
    for row, text in zip(tokens, prompts):
        ids = tokenizer(text)["input_ids"]
        row[:len(ids)] = torch.tensor(ids)
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(4, 3, side, side, generator=generator)
    with torch.no_grad():
        text = model.text_projection(model.text_model(input_ids=tokens).pooler_output)
        image = model.visual_projection(model.vision_model(pixel_values=images).pooler_output)
        unit_text, unit_image = (x / x.norm(dim=-1, keepdim=True) for x in (text, image))
        logits = model.logit_scale.exp() * unit_image @ unit_text.T
        whole = model(input_ids=tokens, pixel_values=images).logits_per_image
    assert (whole - logits).abs().max() < 1e-4, (whole - logits).abs().max()
    (folder / "cases").mkdir(parents=True, exist_ok=True)
    save_file({"images": images}, folder / "inputs.safetensors")
    save_file({
        "tokens": tokens.to(torch.int32), "text_features_raw": text, "image_features_raw": image, "text_features": unit_text,
        "image_features": unit_image, "logits": logits,
    }, folder / "cases/zeroshot.safetensors")
    case = dict(name="zeroshot", method="zeroshot", template="a photo of a {}.", classnames=classes)
    if name:
        case["model"] = name
    (folder / "cases/zeroshot.json").write_text(json.dumps(case))
    print(f"{folder.name}: raw features to {max(text.abs().max(), image.abs().max()):.2f}, logits {logits.min():.3f} to {logits.max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="ViT-B/16")
    parser.add_argument("--model", type=Path, help="a Hugging Face folder to take as it is, in place of random weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, help="folder with CLIP's vocab.json and merges.txt")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    if arguments.model:
        folder = arguments.out / "huggingface"
        shutil.copytree(arguments.model, folder / "model", dirs_exist_ok=True)
        model = CLIPModel.from_pretrained(arguments.model, dtype=torch.float32).eval()
        return expectations(model, folder, arguments.model, None, arguments.seed, DRAWN)
    if not arguments.vocabulary:
        parser.error("--vocabulary is missing: random weights have none of their own")
    model = random_clip(SHAPES[arguments.shape], arguments.seed)
    name = arguments.shape.replace("/", "-") + ".pt"
    for kind in ("state-dict", "archive"):
        folder = arguments.out / kind
        (folder / "model").mkdir(parents=True, exist_ok=True)
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(arguments.vocabulary / file, folder / "model" / file)
        if kind == "archive":
            halve(model)
        state = openai_names(model)
        if kind == "archive":
            archive(state, str(folder / "model" / name), 224)
        else:
            torch.save(state, folder / "model" / name)
        del state
        expectations(model, folder, arguments.vocabulary, name, arguments.seed)


if __name__ == "__main__":
    main()
