import pytest

from fimsmith.corpus.licences import allowed, detect

GPL = """/*
 * This code is free software; you can redistribute it and/or modify it
 * under the terms of the GNU General Public License version 2 only, as
 * published by the Free Software Foundation. Oracle designates this
 * particular file as subject to the "Classpath" exception.
 */"""


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("// SPDX-License-Identifier: MIT\npackage a;", "MIT"),
        ("/* SPDX-License-Identifier: EPL-2.0 OR Apache-2.0 */", "EPL-2.0 OR Apache-2.0"),
        ('/*\n * Licensed under the Apache License, Version 2.0 (the "License");\n */', "Apache-2.0"),
        ("                Apache License\n        Version 2.0, January 2004", "Apache-2.0"),
        ("// Permission is hereby granted, free of charge, to any person", "MIT"),
        ("/* Redistribution and use in source\n * and binary forms. Neither the name of X */", "BSD-3-Clause"),
        ("/* Redistribution and use in source\n * and binary forms, with or without */", "BSD-2-Clause"),
        (GPL, "GPL-2.0-only WITH Classpath-exception-2.0"),
        (
            "GNU Lesser General Public License as published; either version 2.1, or any later version. GNU General",
            "LGPL-2.1-or-later",
        ),
        (
            "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007 ... GNU Affero General Public License",
            "GPL-3.0-only",
        ),
        ("/* Eclipse Public License - v 2.0 */", "EPL-2.0"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
        ("package a; class A {}", None),
        ("The inelastic license of this file", None),
        ("Business Source License 1.1\nChange License: Apache License, Version 2.0", "BUSL-1.1"),
        ("/* Licensed under the Elastic License 2.0 and the Server Side Public License, v 1 */", "Elastic-2.0"),
        ("Server Side Public License, version 1, derived from the GNU Affero General Public License", "SSPL-1.0"),
        ('"Commons Clause" License Condition v1.0 ... License: Apache License 2.0', "LicenseRef-Commons-Clause"),
        ("PolyForm Noncommercial License 1.0.0", "LicenseRef-PolyForm"),
        ("/* All rights reserved. This file is not licensed under the MIT License. */", None),
        ("/** Lists the files that are not under the root folder. */ class A {}", None),
        (
            "/* Licensed under the Apache License, Version 2.0. The fonts are not under the Apache License. */",
            "Apache-2.0",
        ),
        ("/* Elastic licenses this file to you under the Apache License, Version 2.0 */", "Apache-2.0"),
        ("/* Use of this software is governed by the Business Source License */", "BUSL-1.1"),
        ("/* Licensed under the MIT License. You may not use it otherwise. */", "MIT"),
    ],
)
def test_a_stated_licence_is_named_by_its_spdx_identifier(text: str, licence: str | None):
    assert detect(text) == licence


@pytest.mark.parametrize(
    ("expression", "identifiers", "result"),
    [
        ("MIT", ["MIT", "Apache-2.0"], True),
        ("mit", ["MIT"], True),
        ("GPL-3.0-only", ["MIT"], False),
        ("EPL-2.0 OR Apache-2.0", ["Apache-2.0"], True),
        ("MIT AND GPL-2.0-only", ["MIT"], False),
        ("MIT AND Apache-2.0", ["MIT", "Apache-2.0"], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], False),
        (None, ["MIT"], False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", ["MIT"], False),
        ("GPL-2.0-only AND (MIT OR BSD-3-Clause)", ["BSD-3-Clause"], False),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", ["MIT", "Apache-2.0"], True),
        ("((MIT) OR (GPL-2.0-only AND X))", ["MIT"], True),
        ("MIT AND Apache-2.0 OR GPL-2.0-only", ["GPL-2.0-only"], True),
        ("(MIT", ["MIT"], False),
        ("", ["MIT"], False),
        ("MIT AND \x01", ["MIT"], False),
        ("(" * 500_000 + "MIT" + ")" * 500_000, ["MIT"], False),
    ],
)
def test_an_expression_is_allowed_when_the_list_satisfies_it(
    expression: str | None, identifiers: list[str], result: bool
):
    assert allowed(expression, identifiers) is result
