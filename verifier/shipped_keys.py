"""The test keys that ship with Touchstone, told by the SHA-256 of their SPKI.

Must never shrink: their private halves are public, so whoever trusts one trusts everybody.
"""

from typing import Final

SHIPPED_TEST_KEYS: Final = frozenset(
    {
        "4d969712f669688413c9118884cebb8ae2b2caf0469aef1fd64021d2c4f2287e",  # ed25519/a
        "c0e5e42f9ba74445b3691bd21bb179a0f5c50165a4d450503677b87d91e646e4",  # ed25519/attacker
        "359ca7e7ebcd88dfd0b96b81ff44c6193026c32f966fc2afd9a6e7491264c6fd",  # ed25519/b
        "e0d980b713be688747b3d299b01a74750db7b2a1a174115bd7a2e656d0bb50d7",  # ed25519/c
        "7833505c9e9be338a6fbcac32a1c2f0114666bbee6f821a0472402e5bcc198d9",  # ed25519/d
        "7e31ca0eae67cd853d48142e33b00925964b6069ada581f50d5281c356c3ec96",  # ed25519/e
        "a47e31327f4d10a5ff014e465b5ea7238bd986a5eb2c096ae8561af5f7669390",  # ed25519/f
        "91860258a3338978e002416915fcc1746a4c6645a8d2514e442a12ab5530bcef",  # p-256/a
        "c1fb4dd09bb9c147c20f9810f26e75bc9afb5852062e12ac62bc017491ccd989",  # p-256/attacker
        "d2ae79ea96ec2107ca643a28de9ddff249af44f4b019205d39718a7d06b68271",  # p-256/b
        "09f3a865d0a3c9e60b2bb03970abec5c8cb583bed7d83dee862d768363b599e6",  # p-256/c
        "a78dd00a291543d1bed2048ecbcfd0c0a0fd2fb62edac4ab0694b03228ee0738",  # p-256/d
        "a6239c9ba2c99d2b6ad9d8ebc0799c6c7df1e1c2b02fff522c1cd205eb9bdbcb",  # p-256/e
        "0c39120c69dd77230cf944a560033d1443ee3bc68667e98fd50911d5739694ca",  # p-256/f
        "231b20f679fc4d15aa1b8e0a20e984cede21238adc65f552b26258b98349de2f",  # p-256/leading-zero
        "2c6ce97d9a06a2365333009e31fc9be51e720ee4890b9617405b7d63a060d1a8",  # p-384/a
        "2d07c350809f8a676aa83f100c6d1c11984a3ea5cd4a7a8a6830404dee3d8cf6",  # p-384/attacker
        "4854ea988f06a9da2e741b63dba7d4a900fc86a09d3ae9bfe1960265bcb40617",  # p-384/b
        "806e587ab1f6e0b80c26f44243617ff6a87b88ef5aa60f9ec6f1b26588c4b560",  # p-521/a
        "37f4933b5dd033335f656cf0b762f5a7928b18ca847a46dcd5e124658297f797",  # p-521/attacker
        "d19df59c707c445ee8fcf75ca06767a59f406edcf05ebb22e7f62a20bbc70267",  # p-521/b
        "d6d76523b0f4577923ebf9baeed2e2c4758083f00b2979618e0ca647fb5af5be",  # rsa/a
        "7f5afc92db855eae1b45d4d1c0087aa00da13fe199258f71cac87753482bde3e",  # rsa/attacker
        "abd00c56616193213fa7d5760349af29b47e10d7d9f4871b69c640cd9ce68660",  # rsa/b
        "7beda932a5cbf02318c0569e1c7944eb88bdc60d5249df401e9deb2efd6224ee",  # rsa/c
        "0b99c7958cfc37dbd65443245a9def0e0ddb637b56071c4ccc9af838801b1631",  # rsa/d
        "0f1364ce39481e56bca947fed048ba21d48b0849562fbb9b46d0f46377cf0c2d",  # rsa/e
        "e71e36ab0699e18dbb525171441bd2d076a195bffc5c784a1ae46639ee42607e",  # rsa/f
        "b006bd5d7df40b824086ff6e31d0e3a027ab3d16ad6adc76b809335329f4dd13",  # rsa/rsa-2047
        "664d22ad7d8953054a2ae82e48fc0723a1a6f12302c1aa802e7f98a90b6ab153",  # rsa/rsa-3072
        "6cdf89b2c071bac804bc2f862b7c5215fb623cdd615798b5a9ba90f6edca65cb",  # rsa/rsa-4096
        "de7174b1ac81e8f45e4499f3c16a4692dee98df5a3c81b9e4c065dbf7930804d",  # rsa/rsa-e3
        "032b33075750ab45626bd503fbdbcc84b33bdc1b6eb3f98eabed17529984e67f",  # rsa/weak
    }
)
"""SHA-256 in hexadecimal of the DER SubjectPublicKeyInfo of each key in `mock_idp/fixed_keys`."""
