# The same builds for docker buildx, in parallel:
#
#   docker buildx bake -f images/docker-bake.hcl [pipeline] [train] [eval] [--push] [--provenance=mode=max --sbom=true]
#
# Every variable can be set in the environment. null leaves a build argument to its Dockerfile.

variable "REGISTRY" { default = "docker.io" }
variable "PREFIX" { default = "fimsmith/" }
variable "TAG" { default = "0.1.0" }
variable "VARIANT" { default = null }
variable "BASE_IMAGE" { default = null }
variable "TORCH_INDEX" { default = null }
variable "PIP_OPTIONS" { default = null }
variable "EFA_VERSION" { default = null }
variable "VLLM_VERSION" { default = null }
variable "NETWORK" { default = null }

group "default" {
  targets = ["pipeline", "train"]
}

target "common" {
  context = "."
  network = NETWORK
  args = {
    BASE_IMAGE  = BASE_IMAGE
    PIP_OPTIONS = PIP_OPTIONS
  }
  labels = {
    "org.opencontainers.image.title"    = "fimsmith"
    "org.opencontainers.image.version"  = TAG
    "org.opencontainers.image.licenses" = "Apache-2.0"
  }
}

target "pipeline" {
  inherits   = ["common"]
  dockerfile = "images/pipeline/Dockerfile"
  tags       = ["${REGISTRY}/${PREFIX}pipeline:${TAG}"]
}

target "train" {
  inherits   = ["common"]
  dockerfile = "images/train/Dockerfile"
  tags       = ["${REGISTRY}/${PREFIX}train:${TAG}"]
  args = {
    VARIANT     = VARIANT
    TORCH_INDEX = TORCH_INDEX
    EFA_VERSION = EFA_VERSION
  }
}

target "eval" {
  inherits   = ["common"]
  dockerfile = "images/eval/Dockerfile"
  tags       = ["${REGISTRY}/${PREFIX}eval:${TAG}"]
  args = {
    VLLM_VERSION = VLLM_VERSION
  }
}
