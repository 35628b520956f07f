# Copyright (c) aemim_mm contributors. All rights reserved.
