"""Takes the schemas of one version of Kubernetes out of the package that carries those of all."""

import glob
import os
import subprocess
import sys
import zipfile

PACKAGE = "kubernetes-validate==1.37.0"
SCHEMAS = "kubernetes_validate/kubernetes-json-schema/v1.34.0-local-strict/_definitions.json"

subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE], check=True)
(wheel,) = glob.glob("*.whl")
with zipfile.ZipFile(wheel) as package, open("schema.json", "wb") as schema:
    schema.write(package.read(SCHEMAS))
os.remove(wheel)
