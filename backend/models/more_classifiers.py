"""Records of all further classifiers of torchvision, for who asks for one by its name.

The task file lists the ones to begin with; a test compares these with what torchvision says.
"""

from typing import Any

from backend.models.spec import ModelSpec

# Name | title | file of the weights | numbers to learn for ten classes | MB of the weights | share
# of ImageNet's pictures that these weights get right, in per cent.
KNOWN = """
alexnet | AlexNet | alexnet-owt-7be5be79.pth | 57044810 | 244 | 56.5
convnext_base | ConvNeXt base | convnext_base-6075fbad.pth | 87576714 | 354 | 84.1
convnext_large | ConvNeXt large | convnext_large-ea097f82.pth | 196245706 | 791 | 84.4
convnext_small | ConvNeXt small | convnext_small-0c510722.pth | 49462378 | 201 | 83.6
densenet121 | DenseNet-121 | densenet121-a639ec97.pth | 6964106 | 32 | 74.4
densenet161 | DenseNet-161 | densenet161-8d451a50.pth | 26494090 | 116 | 77.1
densenet169 | DenseNet-169 | densenet169-b2777c0a.pth | 12501130 | 57 | 75.6
densenet201 | DenseNet-201 | densenet201-c1103571.pth | 18112138 | 81 | 76.9
efficientnet_b1 | EfficientNet B1 | efficientnet_b1-c27df63c.pth | 6525994 | 32 | 79.8
efficientnet_b2 | EfficientNet B2 | efficientnet_b2_rwightman-c35c1473.pth | 7715084 | 37 | 80.6
efficientnet_b3 | EfficientNet B3 | efficientnet_b3_rwightman-b3899882.pth | 10711602 | 49 | 82.0
efficientnet_b4 | EfficientNet B4 | efficientnet_b4_rwightman-23ab8bcd.pth | 17566546 | 78 | 83.4
efficientnet_b5 | EfficientNet B5 | efficientnet_b5_lukemelas-1a07897c.pth | 28361274 | 123 | 83.4
efficientnet_b6 | EfficientNet B6 | efficientnet_b6_lukemelas-24a108a5.pth | 40758754 | 173 | 84.0
efficientnet_b7 | EfficientNet B7 | efficientnet_b7_lukemelas-c5b4e57e.pth | 63812570 | 267 | 84.1
efficientnet_v2_l | EfficientNet V2 large | efficientnet_v2_l-59c71312.pth | 117247082 | 477 | 85.8
efficientnet_v2_m | EfficientNet V2 medium | efficientnet_v2_m-dc08266a.pth | 52871166 | 218 | 85.1
efficientnet_v2_s | EfficientNet V2 small | efficientnet_v2_s-dd5fe13b.pth | 20190298 | 87 | 84.2
googlenet | GoogLeNet | googlenet-1378be20.pth | 5610154 | 52 | 69.8
inception_v3 | Inception V3 | inception_v3_google-0cc3c7bd.pth | 21806058 | 109 | 77.3
maxvit_t | MaxViT tiny | maxvit_t-bc5ab103.pth | 30412744 | 125 | 83.7
mnasnet0_5 | MNASNet 0.5 | mnasnet0.5_top1_67.823-3ffadce67e.pth | 950322 | 9 | 67.7
mnasnet0_75 | MNASNet 0.75 | mnasnet0_75-7090bc5f.pth | 1902018 | 13 | 71.2
mnasnet1_0 | MNASNet 1.0 | mnasnet1.0_top1_73.512-f206786ef8.pth | 3115122 | 18 | 73.5
mnasnet1_3 | MNASNet 1.3 | mnasnet1_3-a4c69d6f.pth | 5014066 | 25 | 76.5
mobilenet_v3_large | MobileNet V3 large | mobilenet_v3_large-5c1a4163.pth | 4214842 | 22 | 75.3
regnet_x_16gf | RegNet X 16 GF | regnet_x_16gf-ba3796d7.pth | 52250026 | 218 | 82.7
regnet_x_1_6gf | RegNet X 1.6 GF | regnet_x_1_6gf-a12f2b72.pth | 8286266 | 37 | 79.7
regnet_x_32gf | RegNet X 32 GF | regnet_x_32gf-6eb8fdc6.pth | 105315770 | 432 | 83.0
regnet_x_3_2gf | RegNet X 3.2 GF | regnet_x_3_2gf-7071aa85.pth | 14297642 | 62 | 81.2
regnet_x_400mf | RegNet X 400 MF | regnet_x_400mf-62229a5f.pth | 5098986 | 22 | 74.9
regnet_x_800mf | RegNet X 800 MF | regnet_x_800mf-94a99ebd.pth | 6593386 | 29 | 77.5
regnet_x_8gf | RegNet X 8 GF | regnet_x_8gf-2b70d774.pth | 37670858 | 159 | 81.7
regnet_y_128gf | RegNet Y 128 GF | regnet_y_128gf_swag-c8ce3e52.pth | 637493824 | 2581 | 88.2
regnet_y_16gf | RegNet Y 16 GF | regnet_y_16gf-3e4a00f9.pth | 80595390 | 335 | 82.9
regnet_y_1_6gf | RegNet Y 1.6 GF | regnet_y_1_6gf-0d7bc02a.pth | 10322320 | 45 | 80.9
regnet_y_32gf | RegNet Y 32 GF | regnet_y_32gf-8db6d4b5.pth | 141370900 | 581 | 83.4
regnet_y_3_2gf | RegNet Y 3.2 GF | regnet_y_3_2gf-9180c971.pth | 17938468 | 78 | 82.0
regnet_y_400mf | RegNet Y 400 MF | regnet_y_400mf-e6988f5f.pth | 3907554 | 18 | 75.8
regnet_y_800mf | RegNet Y 800 MF | regnet_y_800mf-58fc7688.pth | 5655362 | 26 | 78.8
regnet_y_8gf | RegNet Y 8 GF | regnet_y_8gf-dc2b1b54.pth | 37384642 | 158 | 82.8
resnet101 | ResNet-101 | resnet101-cd907fc2.pth | 42520650 | 179 | 81.9
resnet152 | ResNet-152 | resnet152-f82ba261.pth | 58164298 | 242 | 82.3
resnet34 | ResNet-34 | resnet34-b627a593.pth | 21289802 | 87 | 73.3
resnet50 | ResNet-50 | resnet50-11ad3fa6.pth | 23528522 | 103 | 80.9
resnext101_32x8d | ResNeXt-101 32x8d | resnext101_32x8d-110c445d.pth | 86762826 | 356 | 82.8
resnext101_64x4d | ResNeXt-101 64x4d | resnext101_64x4d-173b62eb.pth | 81426762 | 335 | 83.2
resnext50_32x4d | ResNeXt-50 32x4d | resnext50_32x4d-1a0047aa.pth | 23000394 | 100 | 81.2
shufflenet_v2_x0_5 | ShuffleNet V2 x0.5 | shufflenetv2_x0.5-f707e7126e.pth | 352042 | 6 | 60.6
shufflenet_v2_x1_0 | ShuffleNet V2 x1.0 | shufflenetv2_x1-5666bf0f80.pth | 1263854 | 9 | 69.4
shufflenet_v2_x1_5 | ShuffleNet V2 x1.5 | shufflenetv2_x1_5-3c479a10.pth | 2488874 | 14 | 73.0
shufflenet_v2_x2_0 | ShuffleNet V2 x2.0 | shufflenetv2_x2_0-8be3c8ee.pth | 5365486 | 30 | 76.2
squeezenet1_0 | SqueezeNet 1.0 | squeezenet1_0-b66bff10.pth | 740554 | 5 | 58.1
squeezenet1_1 | SqueezeNet 1.1 | squeezenet1_1-b8a52dc0.pth | 727626 | 5 | 58.2
swin_b | Swin base | swin_b-68c6b09e.pth | 86753474 | 352 | 83.6
swin_s | Swin small | swin_s-5e29d889.pth | 48844948 | 199 | 83.2
swin_t | Swin tiny | swin_t-704ceda3.pth | 27527044 | 113 | 81.5
swin_v2_b | Swin V2 base | swin_v2_b-781e5279.pth | 86916098 | 353 | 84.1
swin_v2_s | Swin V2 small | swin_v2_s-637d8ceb.pth | 48976132 | 200 | 83.7
swin_v2_t | Swin V2 tiny | swin_v2_t-b137f0e2.pth | 27590260 | 114 | 82.1
vgg11 | VGG-11 | vgg11-8a719046.pth | 128807306 | 531 | 69.0
vgg11_bn | VGG-11 with batch norm | vgg11_bn-6002323d.pth | 128812810 | 532 | 70.4
vgg13 | VGG-13 | vgg13-19584684.pth | 128991818 | 532 | 69.9
vgg13_bn | VGG-13 with batch norm | vgg13_bn-abd245e5.pth | 128997706 | 532 | 71.6
vgg16 | VGG-16 | vgg16-397923af.pth | 134301514 | 553 | 71.6
vgg16_bn | VGG-16 with batch norm | vgg16_bn-6c64b313.pth | 134309962 | 554 | 73.4
vgg19 | VGG-19 | vgg19-dcbb9e9d.pth | 139611210 | 575 | 72.4
vgg19_bn | VGG-19 with batch norm | vgg19_bn-c79401a0.pth | 139622218 | 575 | 74.2
vit_b_32 | Vision Transformer B/32 | vit_b_32-d86f8d99.pth | 87462922 | 353 | 75.9
vit_h_14 | Vision Transformer H/14 | vit_h_14_lc_swag-c1eb923e.pth | 630777610 | 2528 | 85.7
vit_l_16 | Vision Transformer L/16 | vit_l_16-852ce7e3.pth | 303311882 | 1217 | 79.7
vit_l_32 | Vision Transformer L/32 | vit_l_32-c7638314.pth | 305520650 | 1226 | 77.0
wide_resnet101_2 | Wide ResNet-101 x2 | wide_resnet101_2-d733dc28.pth | 124858186 | 508 | 82.5
wide_resnet50_2 | Wide ResNet-50 x2 | wide_resnet50_2-9ba9bcbe.pth | 66854730 | 276 | 81.6
"""
# Families by how their names begin: what they are good for, and a learning rate that suits them.
FAMILIES = {
    "alexnet": ("The network that began it all in 2012; large, and long surpassed.", 1e-4),
    "convnext": ("A modern, exact network for photos. Wants a graphics card.", 1e-4),
    "densenet": ("Each layer sees all before it: few weights, much memory.", 5e-4),
    "efficientnet": ("Exact for its size; the larger, the more exact and the slower.", 5e-4),
    "googlenet": ("The winner of 2014: small and quick, less exact than newer ones.", 5e-4),
    "inception": ("Looks at several sizes at once; a classic of 2015.", 5e-4),
    "maxvit": ("Looks near and far in turns. Only for large pictures and a graphics card.", 1e-4),
    "mnasnet": ("Made for phones by a search; small and quick.", 5e-4),
    "mobilenet": ("Made for phones: quick, and nearly as exact as much larger ones.", 5e-4),
    "regnet": ("A plain design that comes in many sizes; quick on graphics cards.", 5e-4),
    "resnext": ("A ResNet in parallel branches: more exact, and slower.", 5e-4),
    "resnet": ("The well-known all-rounder, in another depth than ResNet-18.", 5e-4),
    "shufflenet": ("Among the smallest and quickest, for phones.", 5e-4),
    "squeezenet": ("Tiny: few weights, and less exact for it.", 1e-4),
    "swin": ("A Transformer that looks through moving windows. Wants a graphics card.", 1e-4),
    "vgg": ("Plain layers in a row, the classic of 2014: large and slow.", 1e-4),
    "vit": ("A large Transformer for photos. Only pretrained, with a graphics card.", 5e-5),
    "wide_resnet": ("A ResNet with twice the width: more exact, and slower.", 5e-4),
}
OWN_LICENCES = {
    "regnet_y_128gf": "CC-BY-NC-4.0 (no commercial use)",
    "vit_h_14": "CC-BY-NC-4.0 (no commercial use)",
}
LARGE = 100_000_000


def more_classifiers(defaults: dict[str, Any]) -> tuple[ModelSpec, ...]:
    """The records, small models first; defaults: settings for fine-tuning that suit most."""
    specs = [_read(line, defaults) for line in KNOWN.strip().splitlines()]
    return tuple(sorted(specs, key=lambda spec: spec.parameters))


def _read(line: str, defaults: dict[str, Any]) -> ModelSpec:
    name, title, checkpoint, parameters, megabytes, right = line.split(" | ")
    words, rate = next(known for family, known in FAMILIES.items() if name.startswith(family))
    count = int(parameters)
    smaller = {"batch_size": 16} if count > LARGE else {}
    return ModelSpec(
        name,
        title,
        f"{words} {right} % of ImageNet right.",
        "torchvision",
        count,
        checkpoint=checkpoint,
        download_mb=int(megabytes),
        # Weights, gradients and AdamW's two moments, and about as much again for what flows.
        memory_mb=1000 + round(count * 24 / 1e8) * 100,
        licence=OWN_LICENCES.get(name, "BSD-3-Clause"),
        defaults={**defaults, "learning_rate": rate, **smaller},
    )
